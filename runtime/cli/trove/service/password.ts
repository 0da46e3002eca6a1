import type { ReadStream } from 'node:tty'

/** Asks for a password on a terminal without showing it. Empty when the person gives up (Ctrl-C, Ctrl-D). */
export function askPassword(input: ReadStream, write: (text: string) => void): Promise<string> {
  write('Password: ')
  input.setRawMode(true)
  input.setEncoding('utf8')
  input.resume()
  return new Promise((resolve) => {
    let typed = ''
    const take = (text: string) => {
      for (const character of text) {
        if ('\r\n\x03\x04'.includes(character)) {
          input.off('data', take)
          input.setRawMode(false)
          input.pause()
          write('\n')
          resolve(character === '\x03' ? '' : typed)
          return
        }
        typed = character === '\x7f' ? [...typed].slice(0, -1).join('') : typed + character
      }
    }
    input.on('data', take)
  })
}
