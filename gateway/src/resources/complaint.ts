import type { Complaint } from '@piste/crds';

/** One fault of the resources folder, with what it means and what to do. Never holds a secret. */
export interface ResourceComplaint {
  readonly file: string;
  readonly line: number | undefined;
  /** `MaskingPolicy emails`; undefined for the file as a whole. */
  readonly resource: string | undefined;
  readonly field: string;
  readonly message: string;
  readonly fix: string;
  /** All is in force as written; this only could be better. */
  readonly isAdvice?: boolean;
}

/** One line for people. */
export function formatResourceComplaint(complaint: ResourceComplaint): string {
  const place = complaint.line === undefined ? complaint.file : `${complaint.file}:${complaint.line}`;
  const parts = [place, complaint.resource ?? '', complaint.field, `${complaint.message}; ${complaint.fix}`];
  return parts.filter((part) => part !== '').join(': ');
}

/** A complaint of the parser in the terms of this room. */
export function fromParser(complaint: Complaint): ResourceComplaint {
  const resource = [complaint.kind, complaint.name].filter((part) => part !== undefined).join(' ');
  return {
    file: complaint.source,
    line: complaint.line,
    resource: resource === '' ? undefined : resource,
    field: complaint.field,
    message: complaint.message,
    fix: complaint.fix,
  };
}
