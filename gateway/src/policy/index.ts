export { type Binding, bindingHash } from './binding.js';
export { catalogVersion } from './catalog-version.js';
export { checkRequest, type RequestTraits } from './check-request.js';
export type { ClassGroup } from './classes.js';
export { classGroup, explainClass, objectTypeOf, statementTypes } from './classes.js';
export type {
  ColumnPattern,
  CompiledApprovalRule,
  CompiledMaskingPolicy,
  CompiledMaskingRule,
  ConnectionPolicy,
  Detection,
  DetectionCategory,
  Exemption,
  ObjectPattern,
  PredicateMode,
  Requester,
  TagPattern,
} from './compiled.js';
export { decide } from './decide.js';
export type {
  ApprovalDemand,
  Decision,
  DryRun,
  MaskAction,
  MaskObligation,
  OutputExpectation,
  Quorum,
  Reason,
  ReasonKind,
  SourceMask,
  WouldMask,
} from './decision.js';
export { createEarlierResults, type EarlierResults, earlierResult } from './earlier-results.js';
export { columnKey } from './keys.js';
export type { ApprovalOutcome, InternalPurpose, Permit, PermitVerdict } from './permit.js';
export { hashStatement, isPermit, permitApproved, permitFor, permitInternal } from './permit.js';
export { isPlaceholder } from './placeholder.js';
export { ALLOWED_SESSION_PARAMETERS, isAllowedParameter } from './session-rules.js';
export { coversTags, type TagNeeds, tagNeedsOf } from './tag-needs.js';
export { variablesAfter } from './variables.js';
