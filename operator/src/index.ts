/** True once the operator reconciles anything. It does not yet. */
export const isBuilt = false;
