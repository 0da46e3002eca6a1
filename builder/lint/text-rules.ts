import { complainIf, type Rule } from './rule.ts'

/** Check 13: for readmes, executables and library files. */
export const textRules: readonly Rule[] = [
  { name: 'tabindent', check: (file) => complainIf(/^ *\t/m.test(file.text), 'is indented with tabs') },
  {
    name: 'newline',
    check: (file) => complainIf(file.text !== '' && !file.text.endsWith('\n'), 'has no newline at its end'),
  },
]
