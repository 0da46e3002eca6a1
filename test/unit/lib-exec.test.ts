import { expect, test } from 'vitest'
import { run } from '../../lib/exec.ts'

test('a command gives its output, its status and a replay line', async () => {
  const result = await run(['sh', '-c', "printf 'a\\nb'; exit 3"], { check: false })
  expect(result).toMatchObject({
    exitCode: 3,
    stdout: 'a\nb',
    replay: `sh -c 'printf '\\''a\\nb'\\''; exit 3'`,
  })
})

test('a failing command throws with its own status, its last lines and the line that repeats it', async () => {
  await expect(run(['sh', '-c', 'echo gone wrong >&2; exit 37'])).rejects.toMatchObject({
    code: 'COMMAND_FAILED',
    exitCode: 37,
    message: 'sh failed with status 37: gone wrong',
    hint: `Repeat it with: sh -c 'echo gone wrong >&2; exit 37'`,
  })
})

test('a missing program is a clear error, not a stack trace', async () => {
  await expect(run(['no-such-program-here'])).rejects.toMatchObject({
    code: 'COMMAND_NOT_FOUND',
    exitCode: 127,
  })
})

test('only the given environment reaches the process', async () => {
  const result = await run(['/usr/bin/env'], { env: { A: '1', B: undefined } })
  expect(result.stdout).toBe('A=1\n')
})

test('lines come as they are printed, the last one without a newline too', async () => {
  const lines: string[] = []
  await run(['sh', '-c', 'echo one; echo two >&2; printf three'], {
    onLine: (line, stream) => lines.push(`${stream}:${line}`),
  })
  expect(lines.sort()).toEqual(['stderr:two', 'stdout:one', 'stdout:three'])
})

test('a time-out ends the whole process group', async () => {
  const started = Date.now()
  await expect(run(['sh', '-c', 'sleep 30 & sleep 30'], { timeoutMs: 100 })).rejects.toMatchObject({
    code: 'COMMAND_TIMED_OUT',
  })
  expect(Date.now() - started).toBeLessThan(4000)
})

test('input reaches the process and bytes come back unchanged', async () => {
  const bytes = new Uint8Array([0, 255, 10, 13])
  const result = await run(['cat'], { input: bytes, binary: true })
  expect(Buffer.from(result.stdoutBytes)).toEqual(Buffer.from(bytes))
})

test('a process left running with the output in its hands is not waited for', async () => {
  const lines: string[] = []
  const started = performance.now()
  const result = await run(['sh', '-c', '(sleep 20; echo late) & echo $!; exit 4'], {
    check: false,
    onLine: (line) => lines.push(line),
  })
  process.kill(Number(lines[0]))
  expect(result.exitCode).toBe(4)
  expect(performance.now() - started).toBeLessThan(10_000)
})
