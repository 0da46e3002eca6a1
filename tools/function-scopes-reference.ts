// What thrown-errors-reference.ts must know of a function to fill in the messages of the errors it makes.
import {
  type Expression,
  isArrowFunction,
  isClassDeclaration,
  isConstructorDeclaration,
  isFunctionDeclaration,
  isIdentifier,
  isVariableDeclaration,
  type Node,
  NodeFlags,
  type ParameterDeclaration,
  SyntaxKind,
} from 'typescript/unstable/ast'

/** A function, by the name it is called with. */
export interface FunctionScope {
  readonly name: string
  readonly parameters: readonly string[]
  /** `const name = …` right in its body, not those of functions inside. */
  readonly constants: ReadonlyMap<string, Expression>
  /** Calls in other files may mean it. */
  readonly exported: boolean
}

/** The function that begins at a node: `function f(…)`, `const f = (…) => …`, or the constructor of a class. */
export function openFunction(node: Node): FunctionScope | undefined {
  if (isFunctionDeclaration(node) && node.name !== undefined) {
    const exported = node.modifiers?.some((modifier) => modifier.kind === SyntaxKind.ExportKeyword) === true
    return scope(node.name.text, node.parameters, node.body, exported)
  }
  if (isVariableDeclaration(node) && isIdentifier(node.name)) {
    const value = node.initializer
    if (value === undefined || !isArrowFunction(value)) return undefined
    return scope(node.name.text, value.parameters, value.body, false)
  }
  if (isConstructorDeclaration(node) && isClassDeclaration(node.parent)) {
    return scope(node.parent.name?.text ?? '', node.parameters, node.body, true)
  }
  return undefined
}

function scope(
  name: string,
  parameters: readonly ParameterDeclaration[],
  body: Node | undefined,
  exported: boolean,
): FunctionScope {
  const constants = new Map<string, Expression>()
  const collect = (node: Node): void => {
    if (openFunction(node) !== undefined) return
    const constant = isVariableDeclaration(node) && (node.parent.flags & NodeFlags.Const) !== 0
    if (constant && isIdentifier(node.name) && node.initializer !== undefined) {
      constants.set(node.name.text, node.initializer)
    }
    node.forEachChild(collect)
  }
  body?.forEachChild(collect)
  return {
    name,
    parameters: parameters.map((parameter) => (isIdentifier(parameter.name) ? parameter.name.text : '')),
    constants,
    exported,
  }
}
