/** Time between two signs of life of a dispatcher, and without one after which it counts as dead. Milliseconds. */
export const pingIntervalMs = 300;
export const deathIntervalMs = 1_500;
/** Of the store: what cuts no connection but answers nothing is found out after so long. */
export const queryTimeoutMs = 2_000;
export const heartbeatMs = 250;
export const pollIntervalMs = 250;
