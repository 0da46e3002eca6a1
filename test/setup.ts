import fc from 'fast-check'

// A run can be repeated: properties are tried with the same inputs each time. FC_SEED explores others.
fc.configureGlobal({ seed: Number(process.env.FC_SEED ?? 20261123) })
