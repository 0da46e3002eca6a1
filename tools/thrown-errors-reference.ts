// Finds the errors that the sources construct, by reading their syntax: what docs/reference/errors.md lists.
import { globSync } from 'glob'
import {
  type Expression,
  isArrayLiteralExpression,
  isAsExpression,
  isBinaryExpression,
  isCallExpression,
  isConditionalExpression,
  isIdentifier,
  isNewExpression,
  isNoSubstitutionTemplateLiteral,
  isParenthesizedExpression,
  isPropertyAccessExpression,
  isStringLiteral,
  isTemplateExpression,
  type Node,
  SyntaxKind,
} from 'typescript/unstable/ast'
import { API } from 'typescript/unstable/sync'
import { type FunctionScope, openFunction } from './function-scopes-reference.ts'

/** One error code: its messages, with `…` where a value goes, and the files that construct it. */
export interface ThrownError {
  readonly messages: Set<string>
  readonly files: Set<string>
}

/** A place that constructs an error, or that calls a function which does. */
interface Place {
  readonly file: string
  readonly scopes: readonly FunctionScope[]
  readonly args: readonly Expression[]
}

const root = new URL('..', import.meta.url).pathname
/** A helper that calls a helper that calls a helper is as deep as it goes. */
const MAX_DEPTH = 4

/** All errors of the sources, by code. */
export function collectErrors(): Map<string, ThrownError> {
  const { thrown, calls } = readSources()
  const errors = new Map<string, ThrownError>()
  for (const place of thrown) {
    const [code, message] = place.args
    for (const [name, texts] of codesAndMessages(code, message, place, calls)) {
      const entry = errors.get(name) ?? { messages: new Set(), files: new Set() }
      errors.set(name, entry)
      entry.files.add(place.file)
      for (const { text, files } of texts) {
        if (text !== '…') entry.messages.add(text.trim())
        for (const file of files) entry.files.add(file)
      }
    }
  }
  return errors
}

function readSources(): { thrown: Place[]; calls: Map<string, Place[]> } {
  const thrown: Place[] = []
  const calls = new Map<string, Place[]>()
  const api = new API({ cwd: root })
  try {
    const program = api
      .updateSnapshot({ openProject: `${root}tsconfig.json` })
      .getProject(`${root}tsconfig.json`)?.program
    for (const file of globSync('{lib,phases,builder,registry,runtime}/**/*.ts', {
      cwd: root,
      ignore: '**/elements/**',
    }).sort()) {
      const source = program?.getSourceFile(`${root}${file}`)
      if (source === undefined)
        throw new Error(`TypeScript does not know ${file}: is it outside tsconfig.json?`)
      const visit = (node: Node, scopes: readonly FunctionScope[]): void => {
        const own = openFunction(node)
        const inner = own === undefined ? scopes : [...scopes, own]
        if (isNewExpression(node) || isCallExpression(node)) {
          const name = node.expression.kind === SyntaxKind.SuperKeyword ? 'super' : nameOf(node.expression)
          const place: Place = { file, scopes, args: [...(node.arguments ?? [])] }
          // Only an error class of ours gives its parent a code first.
          const code = place.args[0]
          const own =
            name === 'CofferError' || (name === 'super' && code !== undefined && isStringLiteral(code))
          if (own) thrown.push(place)
          else if (name !== undefined) calls.set(name, [...(calls.get(name) ?? []), place])
        }
        node.forEachChild((child) => visit(child, inner))
      }
      source.forEachChild((child) => visit(child, []))
    }
  } finally {
    api.close()
  }
  return { thrown, calls }
}

function nameOf(expression: Expression): string | undefined {
  return isIdentifier(expression) ? expression.text : undefined
}

interface Text {
  readonly text: string
  /** Files of the calls that filled it in. */
  readonly files: readonly string[]
}

/** A code that depends on a condition goes with the message of the same branch. */
function codesAndMessages(
  code: Expression | undefined,
  message: Expression | undefined,
  place: Place,
  calls: ReadonlyMap<string, readonly Place[]>,
): [string, Text[]][] {
  if (code === undefined) return []
  if (isConditionalExpression(code)) {
    const branches =
      message !== undefined && isConditionalExpression(message)
        ? [message.whenTrue, message.whenFalse]
        : [message, message]
    return [
      ...codesAndMessages(code.whenTrue, branches[0], place, calls),
      ...codesAndMessages(code.whenFalse, branches[1], place, calls),
    ]
  }
  const texts = message === undefined ? [] : textsOf(message, place, calls, 0)
  if (isStringLiteral(code)) return [[code.text, texts]]
  // The faults of the API have a table of their own.
  if (place.file === 'runtime/model/faults.ts') return []
  // A code that travelled (from another process, say) is listed where it was made; only a stand-in for it is new here.
  if (isPropertyAccessExpression(code) && code.name.text === 'code') return []
  if (isBinaryExpression(code) && code.operatorToken.kind === SyntaxKind.QuestionQuestionToken) {
    return codesAndMessages(code.right, message, place, calls)
  }
  const codes = textsOf(code, place, calls, 0).filter(({ text }) => /^[A-Z][A-Z\d_]+$/.test(text))
  if (codes.length === 0) throw new Error(`${place.file}: an error's code must be a literal`)
  return codes.map(({ text }) => [text, texts])
}

/** Every text an expression can have, as far as it is written in the sources. */
function textsOf(
  expression: Expression,
  place: Place,
  calls: ReadonlyMap<string, readonly Place[]>,
  depth: number,
): Text[] {
  const again = (inner: Expression) => textsOf(inner, place, calls, depth)
  if (isStringLiteral(expression) || isNoSubstitutionTemplateLiteral(expression)) {
    return [{ text: expression.text, files: [] }]
  }
  if (isTemplateExpression(expression)) {
    return expression.templateSpans.reduce<Text[]>(
      (texts, span) => join(texts, join(again(span.expression), [{ text: span.literal.text, files: [] }])),
      [{ text: expression.head.text, files: [] }],
    )
  }
  if (isConditionalExpression(expression))
    return [...again(expression.whenTrue), ...again(expression.whenFalse)]
  if (isParenthesizedExpression(expression) || isAsExpression(expression)) return again(expression.expression)
  if (isBinaryExpression(expression) && expression.operatorToken.kind === SyntaxKind.PlusToken) {
    return join(again(expression.left), again(expression.right))
  }
  // The right side only stands in for what is missing.
  if (isBinaryExpression(expression) && expression.operatorToken.kind === SyntaxKind.QuestionQuestionToken) {
    return again(expression.left)
  }
  // `text.trimEnd()`, `[first, …].join(…)`
  if (isCallExpression(expression) && isPropertyAccessExpression(expression.expression)) {
    const { expression: receiver, name } = expression.expression
    if (name.text === 'trimEnd') return again(receiver)
    const [first] = isArrayLiteralExpression(receiver) ? receiver.elements : []
    if (name.text === 'join' && first !== undefined) return join(again(first), [{ text: ' …', files: [] }])
  }
  if (isIdentifier(expression)) return textsOfName(expression.text, place, calls, depth)
  return [{ text: '…', files: [] }]
}

/**
 * A name in a message: a constant of the function, or a parameter, filled in with the words that calls give. A single
 * word (an option's name, say) is one value of many and stays `…`.
 */
function textsOfName(
  name: string,
  place: Place,
  calls: ReadonlyMap<string, readonly Place[]>,
  depth: number,
): Text[] {
  const unknown: Text[] = [{ text: '…', files: [] }]
  const at = place.scopes.findLastIndex(
    (scope) => scope.parameters.includes(name) || scope.constants.has(name),
  )
  const scope = place.scopes[at]
  if (scope === undefined || depth >= MAX_DEPTH) return unknown
  const constant = scope.constants.get(name)
  if (constant !== undefined) return textsOf(constant, place, calls, depth + 1)
  const index = scope.parameters.indexOf(name)
  const callers = (calls.get(scope.name) ?? []).filter((caller) => reaches(caller, scope, place, at))
  const texts = callers.flatMap((caller) => {
    const argument = caller.args[index]
    if (argument === undefined) return []
    return textsOf(argument, caller, calls, depth + 1)
      .filter(({ text }) => /\S \S+ \S/.test(text))
      .map(({ text, files }) => ({ text, files: [...files, caller.file] }))
  })
  return texts.length > 0 ? texts : unknown
}

/** Whether a call of that name can mean the function: same file or exported, and inside the function that defines it. */
function reaches(caller: Place, scope: FunctionScope, place: Place, at: number): boolean {
  if (caller.file !== place.file) return scope.exported
  const definedIn = place.scopes[at - 1]
  if (definedIn === undefined) return true
  return caller.scopes.some(
    ({ name, parameters }) => name === definedIn.name || parameters.includes(scope.name),
  )
}

function join(before: readonly Text[], after: readonly Text[]): Text[] {
  return before.flatMap((left) =>
    after.map((right) => ({
      text: `${left.text}${right.text}`.replaceAll('……', '…'),
      files: [...left.files, ...right.files],
    })),
  )
}
