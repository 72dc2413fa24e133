// Generated from crds/schemas by `npm run generate -w @piste/crds`. Change it there.
import type { ResourceMetadata } from '../metadata.js';

/** One Snowflake account behind the gateway: how the gateway reaches it and logs in, whose tokens it accepts, and what every session through it may do at most. */
export interface SnowflakeConnection {
  readonly apiVersion: 'piste.dev/v1alpha1';
  readonly kind: 'SnowflakeConnection';
  readonly metadata: ResourceMetadata;
  readonly spec: SnowflakeConnectionSpec;
  /** Written by the operator; never returned by the parser. */
  readonly status?: SnowflakeConnectionStatus;
}

/** Which columns are protected and how their values leave the gateway. Where several rules meet one column the most restrictive action wins; the order of rules does not matter. */
export interface MaskingPolicy {
  readonly apiVersion: 'piste.dev/v1alpha1';
  readonly kind: 'MaskingPolicy';
  readonly metadata: ResourceMetadata;
  readonly spec: MaskingPolicySpec;
  /** Written by the operator; never returned by the parser. */
  readonly status?: MaskingPolicyStatus;
}

/** Which statements run, which wait for a person and which never run. Where several rules fit one statement the strictest action wins; the order of rules does not matter. */
export interface ApprovalRule {
  readonly apiVersion: 'piste.dev/v1alpha1';
  readonly kind: 'ApprovalRule';
  readonly metadata: ResourceMetadata;
  readonly spec: ApprovalRuleSpec;
  /** Written by the operator; never returned by the parser. */
  readonly status?: ApprovalRuleStatus;
}

/** The account and the way to it. */
export type ConnectionAccount = {
  /** Account identifier, organisation-account or locator with region. Cannot be changed afterwards. */
  readonly identifier: string;
  /** Host name of the account; derived from the identifier where absent. */
  readonly host?: string;
  /** Port of the account. */
  readonly port: number;
  /** Whether the account is reached over the internet or over a private endpoint. */
  readonly connectivity: 'Public' | 'PrivateLink';
  /** InsecurePlaintext speaks http and exists for stand-ins in tests; it is refused for Snowflake's own hosts. */
  readonly transport: 'TLS' | 'InsecurePlaintext';
};

/** One key of a Secret in the same namespace. */
export type SecretKeyRef = {
  /** Name of the Secret. */
  readonly name: string;
  /** Key inside the Secret. */
  readonly key: string;
};

/** A Snowflake user with a registered RSA key. */
export type KeyPairAuth = {
  /** The Snowflake user, as Snowflake stores its name. */
  readonly user: string;
  /** Private key in PKCS 8 PEM form. */
  readonly privateKeySecretRef: SecretKeyRef;
  /** Second key, tried when the first is refused; rotation swaps RSA_PUBLIC_KEY and RSA_PUBLIC_KEY_2. */
  readonly standbyPrivateKeySecretRef?: SecretKeyRef;
};

/** An OAuth client whose access tokens a Snowflake External OAuth integration accepts. */
export type OAuthClientCredentialsAuth = {
  /** Token endpoint of the authorization server. */
  readonly tokenEndpoint: string;
  /** Client identifier. */
  readonly clientId: string;
  /** Client secret. */
  readonly clientSecretRef: SecretKeyRef;
  /** Scopes to ask for. */
  readonly scopes?: readonly string[];
};

/** The gateway's own platform identity, registered with a Snowflake user. */
export type WorkloadIdentityAuth = {
  /** Platform, as Snowflake names it. */
  readonly provider: 'AWS' | 'AZURE' | 'GCP' | 'OIDC';
  /** Audience of the identity token; the provider's usual one where absent. */
  readonly audience?: string;
};

/** A programmatic access token of a Snowflake user. */
export type ProgrammaticAccessTokenAuth = {
  /** The Snowflake user, as Snowflake stores its name. */
  readonly user: string;
  /** The token. */
  readonly tokenSecretRef: SecretKeyRef;
};

/** How the gateway logs in to Snowflake. Exactly the member that belongs to `type` is set. */
export type ConnectionAuth =
  | {
      readonly type: 'KeyPair';
      /** A Snowflake user with a registered RSA key. */
      readonly keyPair: KeyPairAuth;
      readonly oauthClientCredentials?: never;
      readonly workloadIdentity?: never;
      readonly programmaticAccessToken?: never;
    }
  | {
      readonly type: 'OAuthClientCredentials';
      readonly keyPair?: never;
      /** An OAuth client whose access tokens a Snowflake External OAuth integration accepts. */
      readonly oauthClientCredentials: OAuthClientCredentialsAuth;
      readonly workloadIdentity?: never;
      readonly programmaticAccessToken?: never;
    }
  | {
      readonly type: 'WorkloadIdentity';
      readonly keyPair?: never;
      readonly oauthClientCredentials?: never;
      /** The gateway's own platform identity, registered with a Snowflake user. */
      readonly workloadIdentity: WorkloadIdentityAuth;
      readonly programmaticAccessToken?: never;
    }
  | {
      readonly type: 'ProgrammaticAccessToken';
      readonly keyPair?: never;
      readonly oauthClientCredentials?: never;
      readonly workloadIdentity?: never;
      /** A programmatic access token of a Snowflake user. */
      readonly programmaticAccessToken: ProgrammaticAccessTokenAuth;
    }
  | {
      readonly type: 'Passthrough';
      readonly keyPair?: never;
      readonly oauthClientCredentials?: never;
      readonly workloadIdentity?: never;
      readonly programmaticAccessToken?: never;
    };

export type SignatureAlgorithm = 'RS256' | 'PS256' | 'ES256' | 'ES384' | 'EdDSA';

/** Which claim says what. */
export type ClaimNames = {
  /** Who it is; with the issuer it identifies the principal. */
  readonly principal: string;
  /** A name for people. */
  readonly displayName?: string;
  /** Groups of the principal; a list of strings or one string. */
  readonly groups: string;
  /** Name of the agent or workload. */
  readonly agent?: string;
  /** The single run, session or pod. */
  readonly instance?: string;
  /** The person on whose behalf the agent acts. */
  readonly delegator?: string;
  /** The task, such as a ticket or the address of a pipeline run. */
  readonly task?: string;
};

/** Gives groups when one claim has one value. */
export type GroupRule = {
  /** A claim of the token. A name beginning with `/` is a JSON pointer into nested claims, for example `/kubernetes.io/namespace`; anything else is the name of a top-level claim. */
  readonly claim: string;
  /** Groups to add. */
  readonly groups: readonly string[];
} & (
  | {
      /** The whole value. */
      readonly equals: string;
      readonly prefix?: never;
      readonly pattern?: never;
    }
  | {
      readonly equals?: never;
      /** The beginning of the value. */
      readonly prefix: string;
      readonly pattern?: never;
    }
  | {
      readonly equals?: never;
      readonly prefix?: never;
      /** The whole value, where each `*` stands for any characters, none included. At most eight `*`. */
      readonly pattern: string;
    }
);

/** One OpenID Connect issuer. */
export type TokenIssuer = {
  /** Name of this entry. */
  readonly name: string;
  /** The `iss` of its tokens, character by character. https; http for loopback hosts only. */
  readonly url: string;
  /** The audience tokens must be issued for, and nothing else. */
  readonly audience: string;
  /** Where the keys are; found by OpenID Connect discovery where absent. */
  readonly jwksUri?: string;
  /** Signature algorithms that are accepted. */
  readonly algorithms: readonly SignatureAlgorithm[];
  /** Which claim says what. */
  readonly claims: ClaimNames;
  /** Groups given by the values of claims, for issuers whose tokens carry none. Every rule that fits adds its groups. */
  readonly groupRules?: readonly GroupRule[];
};

/** Where a session starts when the driver names nothing. */
export type SessionDefaults = {
  /** A name as Snowflake stores it, case-sensitive; what SQL writes without quotes is stored in upper case. */
  readonly role?: string;
  /** A name as Snowflake stores it, case-sensitive; what SQL writes without quotes is stored in upper case. */
  readonly warehouse?: string;
  /** A name as Snowflake stores it, case-sensitive; what SQL writes without quotes is stored in upper case. */
  readonly database?: string;
  /** A name as Snowflake stores it, case-sensitive; what SQL writes without quotes is stored in upper case. */
  readonly schema?: string;
};

/** How long things may take. */
export type SessionLimits = {
  /** A session without requests ends after this time. */
  readonly idleTimeoutSeconds: number;
  /** A session ends after this time in any case. */
  readonly maxLifetimeSeconds: number;
  /** Snowflake's own time limit for one statement. */
  readonly statementTimeoutSeconds: number;
};

/** What this connection demands of the recording. */
export type RecordingDemand = {
  /** How far effects wait for their records, at least: Strict - no statement leaves and no byte is delivered before its record is durable; StrictFinal - as Strict, but parts of a large result leave while they are recorded, and the last one waits for all; RequestStrict - statements wait, answers do not. The gateway's own mode holds where it is stricter, and where this is absent. */
  readonly mode?: 'Strict' | 'StrictFinal' | 'RequestStrict';
};

/** A number of pods that follows the sessions. */
export type GatewayAutoscaling = {
  /** Never fewer. */
  readonly minReplicas: number;
  /** Never more. */
  readonly maxReplicas: number;
  /** Sessions one pod should hold. */
  readonly targetSessionsPerPod: number;
};

/** The pods that serve this connection. */
export type GatewayDeployment = {
  /** A fixed number of pods. */
  readonly replicas?: number;
  /** A number of pods that follows the sessions. */
  readonly autoscaling?: GatewayAutoscaling;
  /** URL of the Redis that pods share their sessions in. */
  readonly redisSecretRef?: SecretKeyRef;
  /** Name of the TLS Secret the gateway serves with. */
  readonly tlsSecretName?: string;
  /** Time running statements get when a pod stops. */
  readonly drainSeconds: number;
  /** Whether the operator writes the NetworkPolicy of the pods. */
  readonly networkPolicy: 'Managed' | 'Unmanaged';
  /** Networks the pods may reach. */
  readonly egressCIDRs?: readonly string[];
  /** Whether a ServiceMonitor is made; Auto makes one only where that API exists. */
  readonly monitoring: 'Auto' | 'Enabled' | 'Disabled';
};

/** What the connection is. */
export type SnowflakeConnectionSpec = {
  /** The account and the way to it. */
  readonly account: ConnectionAccount;
  /** How the gateway logs in to Snowflake. Exactly the member that belongs to `type` is set. */
  readonly auth: ConnectionAuth;
  /** Whose tokens are accepted, and how their claims are read. */
  readonly issuers: readonly TokenIssuer[];
  /** Who may use the connection; a principal in none of these groups is refused. */
  readonly allowedGroups: readonly string[];
  /** Name of the issuer whose people may approve; any issuer of the connection where absent. */
  readonly approverIssuer?: string;
  /** Where a session starts when the driver names nothing. */
  readonly defaults: SessionDefaults;
  /** Roles a session may take. */
  readonly allowedRoles: readonly string[];
  /** What happens to statements about objects no masking policy speaks about. */
  readonly unmatchedObjects: 'Deny' | 'Allow';
  /** Whose policies and rules may attach to the connection. */
  readonly allowedPolicies: {
    /** Only those in the connection's own namespace. */
    readonly namespaces: 'Same';
  };
  /** How long things may take. */
  readonly session: SessionLimits;
  /** What this connection demands of the recording. */
  readonly recording?: RecordingDemand;
  /** The pods that serve this connection. */
  readonly gateway: GatewayDeployment;
};

/** One aspect of the resource's state, in the form Kubernetes tools expect. */
export type Condition = {
  readonly type: string;
  readonly status: 'True' | 'False' | 'Unknown';
  readonly reason: string;
  readonly message: string;
  readonly lastTransitionTime: string;
  readonly observedGeneration?: number;
};

/** What the operator found; not part of the declaration. */
export type SnowflakeConnectionStatus = {
  readonly observedGeneration?: number;
  readonly conditions?: readonly Condition[];
  /** The configuration the gateway runs with. */
  readonly config?: {
    readonly revision?: string;
    readonly sequence?: number;
    readonly acceptedPolicies?: number;
    readonly rejectedPolicies?: number;
  };
  /** The pods as they are. */
  readonly gateway?: {
    readonly replicas?: number;
    readonly readyReplicas?: number;
    readonly programmedReplicas?: number;
    readonly sessions?: number;
    readonly selector?: string;
  };
  /** The credential in use, without its bytes. */
  readonly credentials?: {
    readonly publicKeyFingerprint?: string;
    readonly secretResourceVersion?: string;
    readonly expiresAt?: string;
  };
};

export type TargetRef = {
  readonly kind: 'SnowflakeConnection';
  /** Name of the SnowflakeConnection. */
  readonly name: string;
};

/** Looks into results for values that no rule names. Where several policies look, the strictest mode (Deny, then Mask, then Audit) holds for the categories of all of them. */
export type MaskingDetection = {
  /** Audit: the record says what was found. Mask: the result column is redacted. Deny: the result is withheld. */
  readonly mode: 'Audit' | 'Mask' | 'Deny';
  /** What to look for. */
  readonly categories: readonly ('Email' | 'Phone' | 'Card' | 'Ssn' | 'Iban' | 'Secret')[];
};

export type StatementRecording = {
  /** Strict: whatever the mode of the gateway and of the connection, the statement leaves when its record is durable, and so do all its answers. Where they cannot be recorded it does not run, or its result is withheld. */
  readonly mode: 'Strict';
};

export type ColumnPattern = {
  /** An exact name, `*` for any name, or a name with one `*` at its start or its end. Case-sensitive, compared with the name as Snowflake stores it; what SQL writes without quotes is stored in upper case. */
  readonly database: string;
  /** An exact name, `*` for any name, or a name with one `*` at its start or its end. Case-sensitive, compared with the name as Snowflake stores it; what SQL writes without quotes is stored in upper case. */
  readonly schema: string;
  /** An exact name, `*` for any name, or a name with one `*` at its start or its end. Case-sensitive, compared with the name as Snowflake stores it; what SQL writes without quotes is stored in upper case. */
  readonly object: string;
  /** An exact name, `*` for any name, or a name with one `*` at its start or its end. Case-sensitive, compared with the name as Snowflake stores it; what SQL writes without quotes is stored in upper case. */
  readonly column: string;
};

export type TagPattern = {
  /** Full name of the tag: DATABASE.SCHEMA.TAG. */
  readonly name: string;
  /** The tag's value; any value where absent. */
  readonly value?: string;
};

/** The protected columns. A column is protected when any entry of any list fits: lists add up, they do not narrow each other. What is not known of a column (its tags, its type) counts as fitting. */
export type MaskingMatch = {
  /** Columns by name. */
  readonly columns?: readonly ColumnPattern[];
  /** Columns by Snowflake tag. */
  readonly tags?: readonly TagPattern[];
  /** Columns by the semantic category Snowflake's classification gave them. */
  readonly categories?: readonly string[];
  /** Columns by data type, in whatever table; synonyms (STRING, INTEGER, DOUBLE, …) count as the type they stand for. */
  readonly dataTypes?: readonly (
    | 'ARRAY'
    | 'BINARY'
    | 'BOOLEAN'
    | 'DATE'
    | 'DECFLOAT'
    | 'FILE'
    | 'FLOAT'
    | 'GEOGRAPHY'
    | 'GEOMETRY'
    | 'MAP'
    | 'NUMBER'
    | 'OBJECT'
    | 'TIME'
    | 'TIMESTAMP_LTZ'
    | 'TIMESTAMP_NTZ'
    | 'TIMESTAMP_TZ'
    | 'VARCHAR'
    | 'VARIANT'
    | 'VECTOR'
  )[];
};

/** What becomes of the values. Exactly the member that belongs to `type` is set. */
export type MaskingAction =
  | {
      readonly type: 'Partial';
      /** Keeps some characters at the ends and hides the rest. */
      readonly partial: {
        /** Characters kept at the start. */
        readonly keepFirst: number;
        /** Characters kept at the end. */
        readonly keepLast: number;
        /** Written three times in place of whatever is hidden, so that its length stays hidden too. A value no longer than what is kept is hidden whole. */
        readonly replacement: string;
      };
      readonly hash?: never;
      readonly dateTruncate?: never;
      readonly bucket?: never;
      readonly constant?: never;
      readonly tokenize?: never;
    }
  | {
      readonly type: 'Hash';
      readonly partial?: never;
      /** A keyed hash; equal values stay equal, so joins and counts still work. */
      readonly hash: {
        /** The key. */
        readonly keySecretRef: SecretKeyRef;
      };
      readonly dateTruncate?: never;
      readonly bucket?: never;
      readonly constant?: never;
      readonly tokenize?: never;
    }
  | {
      readonly type: 'DateTruncate';
      readonly partial?: never;
      readonly hash?: never;
      /** The beginning of the year, month, … a date or timestamp lies in. */
      readonly dateTruncate: {
        /** Weeks begin on Monday; timestamps with the session's time zone are cut in UTC. */
        readonly unit: 'Year' | 'Quarter' | 'Month' | 'Week' | 'Day' | 'Hour';
      };
      readonly bucket?: never;
      readonly constant?: never;
      readonly tokenize?: never;
    }
  | {
      readonly type: 'Bucket';
      readonly partial?: never;
      readonly hash?: never;
      readonly dateTruncate?: never;
      /** The lower bound of the bucket a number falls into. */
      readonly bucket: {
        /** Width of a bucket. */
        readonly size: number;
      };
      readonly constant?: never;
      readonly tokenize?: never;
    }
  | {
      readonly type: 'Constant';
      readonly partial?: never;
      readonly hash?: never;
      readonly dateTruncate?: never;
      readonly bucket?: never;
      /** One value in place of all. */
      readonly constant: {
        /** The value as text; NULL in columns whose type cannot hold it. */
        readonly value: string;
      };
      readonly tokenize?: never;
    }
  | {
      readonly type: 'Tokenize';
      readonly partial?: never;
      readonly hash?: never;
      readonly dateTruncate?: never;
      readonly bucket?: never;
      readonly constant?: never;
      /** A token in the form of the value: characters of the alphabet are replaced by others of it (FF1, keyed), the rest stays in place. Only the gateway can compute it, so the column can be selected as it is and used in no other way. */
      readonly tokenize: {
        /** The key: 16, 24 or 32 bytes. */
        readonly keySecretRef: SecretKeyRef;
        /** The characters that are replaced. */
        readonly alphabet: 'Digits' | 'Alphanumeric';
      };
    }
  | {
      readonly type: 'Redact' | 'Null' | 'Deny';
      readonly partial?: never;
      readonly hash?: never;
      readonly dateTruncate?: never;
      readonly bucket?: never;
      readonly constant?: never;
      readonly tokenize?: never;
    };

export type MaskingExemption = {
  /** The user (`issuer#subject`, or the bare subject), the group, or the claim. */
  readonly name: string;
  /** Why this exemption exists, for whoever reviews the policy. An exemption without a reason draws a warning. */
  readonly reason?: string;
  /** From this moment on (RFC 3339, such as 2027-03-31T00:00:00Z) the exemption no longer holds. */
  readonly expiresAt?: string;
} & (
  | {
      readonly kind: 'Claim';
      /** The value the claim must have. */
      readonly value: string;
    }
  | {
      readonly kind: 'User' | 'Group';
      readonly value?: never;
    }
);

export type MaskingRule = {
  /** Name of the rule in decisions and records. */
  readonly name: string;
  /** The protected columns. A column is protected when any entry of any list fits: lists add up, they do not narrow each other. What is not known of a column (its tags, its type) counts as fitting. */
  readonly match: MaskingMatch;
  /** What becomes of the values. Exactly the member that belongs to `type` is set. */
  readonly action: MaskingAction;
  /** Who sees the values as they are; one fitting entry is enough. */
  readonly unless?: readonly MaskingExemption[];
};

/** What the policy says. */
export type MaskingPolicySpec = {
  /** The connections this resource speaks for; they live in the same namespace. */
  readonly targetRefs: readonly TargetRef[];
  /** DryRun masks and refuses nothing; it only records what would have been masked or refused. */
  readonly enforcement: 'Enforce' | 'DryRun';
  /** What filters, joins, grouping and sorting see of a protected column. Mask: the masked values, as everything else does, since the column is replaced where it is read. Allow: the real values, while results leave masked; whoever writes the filters can find values out by asking. Deny: a statement with such a filter is refused. Where several policies speak about a column, Deny wins over Mask and Mask over Allow. */
  readonly predicates: 'Mask' | 'Allow' | 'Deny';
  /** What happens to a result column that mixes a protected column with anything else, where the column is not replaced at its source (predicates Allow, action Tokenize): the statement is refused, or the result column is NULL. */
  readonly onUnresolved: 'Deny' | 'MaskAll';
  /** Looks into results for values that no rule names. Where several policies look, the strictest mode (Deny, then Mask, then Audit) holds for the categories of all of them. */
  readonly detection?: MaskingDetection;
  /** How statements that touch a protected column are recorded, whoever is exempt. Not in DryRun. */
  readonly recording?: StatementRecording;
  /** The rules, each with a name of its own. */
  readonly rules: readonly MaskingRule[];
};

export type TargetStatus = {
  readonly kind: 'SnowflakeConnection';
  readonly name: string;
  readonly conditions?: readonly Condition[];
};

/** What the operator found; not part of the declaration. */
export type MaskingPolicyStatus = {
  readonly observedGeneration?: number;
  readonly conditions?: readonly Condition[];
  /** What each connection made of this resource. */
  readonly targets?: readonly TargetStatus[];
  readonly matchedColumns?: number;
  readonly exemptions?: number;
  readonly maskedLast24Hours?: number;
};

export type StatementType =
  | 'Select'
  | 'Insert'
  | 'InsertOverwrite'
  | 'Update'
  | 'Delete'
  | 'Merge'
  | 'Load'
  | 'Unload'
  | 'Create'
  | 'CreateOrReplace'
  | 'CreateTableAsSelect'
  | 'Alter'
  | 'Drop'
  | 'Undrop'
  | 'Truncate'
  | 'Comment'
  | 'Grant'
  | 'Revoke'
  | 'Call'
  | 'Execute'
  | 'Use'
  | 'Set'
  | 'Unset'
  | 'Show'
  | 'Describe'
  | 'Explain'
  | 'List'
  | 'Put'
  | 'Get'
  | 'Remove'
  | 'Transaction'
  | 'Unread';

export type ObjectType =
  | 'Database'
  | 'Schema'
  | 'Table'
  | 'View'
  | 'Stage'
  | 'Function'
  | 'Procedure'
  | 'User'
  | 'Role'
  | 'Warehouse'
  | 'Integration'
  | 'Share'
  | 'Task'
  | 'Stream'
  | 'Pipe'
  | 'Policy'
  | 'Other';

export type ObjectPattern = {
  /** An exact name, `*` for any name, or a name with one `*` at its start or its end. Case-sensitive, compared with the name as Snowflake stores it; what SQL writes without quotes is stored in upper case. */
  readonly database: string;
  /** An exact name, `*` for any name, or a name with one `*` at its start or its end. Case-sensitive, compared with the name as Snowflake stores it; what SQL writes without quotes is stored in upper case. */
  readonly schema: string;
  /** An exact name, `*` for any name, or a name with one `*` at its start or its end. Case-sensitive, compared with the name as Snowflake stores it; what SQL writes without quotes is stored in upper case. */
  readonly object: string;
};

/** The statements the rule speaks about. Every member that is set must fit; within a list one entry is enough. */
export type ApprovalMatch = {
  /** Kinds of statements. Unread stands for every statement the gateway could not read whole. */
  readonly statementTypes?: readonly StatementType[];
  /** Kinds of objects the statement acts on. */
  readonly objectTypes?: readonly ObjectType[];
  /** Objects the statement names. */
  readonly objects?: readonly ObjectPattern[];
  /** Fits when Snowflake's plan expects at least this many rows, or when there is no plan to tell. */
  readonly minEstimatedRows?: number;
  /** A CEL expression over the statement, the agent and the session; it fits when true or when it cannot be told. */
  readonly expression?: string;
};

/** How the request is marked for approvers. */
export type Risk = 'Low' | 'Medium' | 'High' | 'Critical';

export type Notification = {
  /** Name of the receiver. */
  readonly name: string;
  /** URL of the receiver's webhook. */
  readonly webhookSecretRef: SecretKeyRef;
};

export type Approver = {
  readonly kind: 'User' | 'Group';
  /** The user (`issuer#subject`, or the bare subject) or the group. */
  readonly name: string;
};

/** What an approval covers. */
export type ApprovalGrant = {
  /** This one statement, statements of the same shape, or the session. */
  readonly scope: 'Statement' | 'Fingerprint' | 'Session';
  /** An approval not used in this time is void. */
  readonly validSeconds: number;
};

/** Who decides, and what a decision is worth. */
export type ApprovalTerms = {
  /** Who may decide. */
  readonly approvers: readonly Approver[];
  /** How many different people must approve. */
  readonly minApprovals: number;
  /** Whoever asks, or is acted for, never approves. */
  readonly selfApproval: 'Forbidden';
  /** Without a decision in this time the statement is denied. */
  readonly requestTimeoutSeconds: number;
  /** What an approval covers. */
  readonly grant: ApprovalGrant;
};

/** What the rule says. */
export type ApprovalRuleSpec = {
  /** The connections this resource speaks for; they live in the same namespace. */
  readonly targetRefs: readonly TargetRef[];
  /** The statements the rule speaks about. Every member that is set must fit; within a list one entry is enough. */
  readonly match: ApprovalMatch;
  /** One sentence for the approver and the agent. */
  readonly message?: string;
  /** What the agent should do instead. */
  readonly alternative?: string;
  /** How the request is marked for approvers. */
  readonly risk: Risk;
  /** How statements the rule fits are recorded. One that may be meant counts as fitting, also for the action Allow. */
  readonly recording?: StatementRecording;
  /** Who is told about a held statement. */
  readonly notify?: readonly Notification[];
} & (
  | {
      readonly action: 'Hold';
      /** Who decides, and what a decision is worth. */
      readonly approval: ApprovalTerms;
    }
  | {
      readonly action: 'Allow' | 'Block';
      readonly approval?: never;
    }
);

/** What the operator found; not part of the declaration. */
export type ApprovalRuleStatus = {
  readonly observedGeneration?: number;
  readonly conditions?: readonly Condition[];
  /** What each connection made of this resource. */
  readonly targets?: readonly TargetStatus[];
  readonly heldLast24Hours?: number;
  readonly medianDecisionSeconds?: number;
};
