import { CofferError, isErrno } from './errors.ts'

/**
 * The error for a failed listen: what of ours cannot have which address. Other errors come back as they are.
 *
 * @param what of ours listens there, with a capital: `The API`
 * @param option that moves it
 */
export function listenError(
  error: unknown,
  what: string,
  { host, port }: { readonly host: string; readonly port: number },
  option: string,
): unknown {
  if (!isErrno(error, 'EADDRINUSE')) return error
  return new CofferError('PORT_TAKEN', `${what} cannot listen on ${host}:${port}: something else does`, {
    hint: `Stop the other program, or choose another port with the option ${option}.`,
    cause: error,
  })
}
