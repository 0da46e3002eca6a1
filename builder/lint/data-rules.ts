import { parseAllDocuments } from 'yaml'
import type { Rule } from './rule.ts'

/** Check 15: YAML files can be read. */
export const yamlRule: Rule = {
  check: (file) => {
    const text = Buffer.from(file.text, 'latin1').toString('utf8')
    const documents = parseAllDocuments(text, { version: '1.1', uniqueKeys: false, logLevel: 'silent' })
    const problem = Array.isArray(documents) ? documents.flatMap((document) => document.errors)[0] : undefined
    return problem === undefined ? [] : [`is not a valid YAML file: ${problem.message.split('\n')[0]}`]
  },
}

/** Check 16: package maps can be read. */
export const packageMapRule: Rule = {
  check: (file) => {
    try {
      JSON.parse(Buffer.from(file.text, 'latin1').toString('utf8'))
      return []
    } catch (error) {
      return [`is not a valid JSON file: ${error instanceof Error ? error.message : String(error)}`]
    }
  },
}
