/** A person's (or an application's) word: name for people, the stable id by which two are told apart, and why. */
export interface Word {
  readonly who: string;
  /** Tenant and object id of the caller; never a name, which its bearer may change. */
  readonly id: string;
  readonly why: string;
}

/** An approval: bound to the plan that was shown, and used up by the first write that follows from it. */
export interface Approval extends Word {
  /** ISO 8601. */
  readonly at: string;
  readonly planHash: string;
}
