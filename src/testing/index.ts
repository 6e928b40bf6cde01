export { compileChart } from '../index.ts';
export { type ContractCheck, type MakeStore, storeContract } from './contract/store-contract.ts';
export { getPoll } from './get-poll.ts';
export { type Attachable, VirtualReactor, type VirtualReactorOptions } from './virtual-reactor.ts';
export { waitForDeactivation } from './wait-for-deactivation.ts';
export { type WaitOptions, waitForAnnotation, waitForResult, waitForStart } from './wait-for-job.ts';
