// Before each suite: properties draw from the seed of the run.
import fc from 'fast-check';

fc.configureGlobal({ seed: Number(process.env.PISTE_SEED) });
