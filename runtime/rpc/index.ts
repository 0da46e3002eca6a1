export { RPC_VERSION, rpcClient } from './client.ts'
export { rpcServer } from './server.ts'
export type { RpcClient, RpcMethod, RpcServer, RpcServerOptions, SeenJournal } from './types.ts'
