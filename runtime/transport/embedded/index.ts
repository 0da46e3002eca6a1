export { controlSecret } from './control-secret.ts'
export { type Hub, type HubOptions, startHub } from './hub.ts'
export type { MessageStore, Sealer } from './store.ts'
