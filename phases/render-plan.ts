import { quoteWord } from '../lib/quote.ts'
import type { Plan, PlanElement, PlanPhase, PlanStep } from './plan.ts'

/** Characters of an id that are shown: enough to compare two plans by eye. */
const SHORT_ID = 12

/**
 * A plan for a person: what `--explain` prints. Ends with a newline.
 *
 * @param note one more column for a step, such as whether it has to run
 */
export function renderPlan(plan: Plan, note: (step: PlanStep) => string = () => ''): string {
  const sections = [
    section(
      `Elements (${plan.elements.length}, ${plan.arch})`,
      table(plan.elements.map((element) => [element.name, reason(element.why), element.path])),
    ),
    section(
      'Environment files, sourced before every phase',
      table(plan.environmentFiles.map(({ name, element }) => [name, element])),
    ),
    ...plan.phases.filter(({ steps }) => steps.length > 0).map((phase) => phaseSection(phase, note)),
    section(
      'Files that replace those of another element',
      plan.replaced.map(({ destination, element, over }) => `${destination}: ${element} over ${over}`),
    ),
    section(
      'Environment that crosses into the chroot',
      Object.entries(plan.environment).map(([name, value]) => `${name}=${printable(value)}`),
    ),
    section('Warnings', plan.warnings),
  ]
  return `${[...sections.filter((text) => text !== ''), `Plan ${plan.id}`].join('\n\n')}\n`
}

/** A plan as JSON text, indented; ends with a newline. */
export function planJson(plan: Plan): string {
  return `${JSON.stringify(plan, undefined, 2)}\n`
}

function phaseSection(phase: PlanPhase, note: (step: PlanStep) => string): string {
  const scripts = phase.steps.length === 1 ? '1 script' : `${phase.steps.length} scripts`
  return section(
    `${phase.name}, ${phase.side} the chroot, ${scripts}`,
    table(phase.steps.map((step) => [step.name, stepOrigin(step), step.id.slice(0, SHORT_ID), note(step)])),
  )
}

function stepOrigin(step: PlanStep): string {
  return step.installType === undefined ? step.element : `${step.element} (install type ${step.installType})`
}

function reason(why: PlanElement['why']): string {
  if (why === 'named') return 'named'
  return why === 'default' ? 'added by default' : `needed by ${why.dependencyOf}`
}

function section(title: string, lines: readonly string[]): string {
  return lines.length === 0 ? '' : [title, ...lines.map((line) => `  ${line}`)].join('\n')
}

/** Columns as wide as their widest cell, two blanks apart. */
function table(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => (row[column] ?? '').length)),
  )
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  )
}

/** A value on one line. */
function printable(value: string): string {
  if (value === '') return ''
  return /[\x00-\x1f\x7f]/.test(value) ? JSON.stringify(value) : quoteWord(value)
}
