/** One value as the Functions host hands it to the library: exactly one member is set. */
export interface TypedData {
  readonly string?: string;
  readonly json?: string;
  readonly bytes?: Uint8Array;
  readonly http?: HttpData;
  readonly int?: number;
  readonly double?: number;
  readonly collectionString?: { readonly string: readonly string[] };
  readonly collectionBytes?: { readonly bytes: readonly Uint8Array[] };
}

/** Values that the wire format can also leave out. */
type Nullable<T> = { readonly value?: T } | undefined;

/** A cookie of an answer; `expires` is in seconds since 1970. */
export interface HttpCookie {
  readonly name: string;
  readonly value: string;
  readonly domain?: Nullable<string>;
  readonly path?: Nullable<string>;
  readonly expires?: Nullable<{ readonly seconds: number }>;
  readonly secure?: Nullable<boolean>;
  readonly httpOnly?: Nullable<boolean>;
  readonly sameSite?: "none" | "lax" | "strict" | "explicitNone";
  readonly maxAge?: Nullable<number>;
}

/** A request on its way in (url, method, nullable…) or an answer on its way out (statusCode, headers, cookies). */
export interface HttpData {
  readonly url?: string;
  readonly method?: string;
  readonly nullableHeaders?: Record<string, { readonly value: string }>;
  readonly nullableParams?: Record<string, { readonly value: string }>;
  readonly body?: TypedData | null;
  readonly statusCode?: string;
  readonly headers?: Record<string, string>;
  readonly cookies?: readonly HttpCookie[];
}

/** A binding as the app declared it; the trigger is the one whose type ends in `Trigger`. */
export interface BindingInfo {
  readonly type: string;
  readonly direction?: "in" | "out";
  readonly [option: string]: unknown;
}

/** A retry policy as the library registers it: the intervals have whole seconds. */
export interface RetryOptions {
  readonly retryStrategy?: "fixedDelay" | "exponentialBackoff";
  /** -1 repeats without end. */
  readonly maxRetryCount?: number;
  readonly delayInterval?: { readonly seconds: number };
  readonly minimumInterval?: { readonly seconds: number };
  readonly maximumInterval?: { readonly seconds: number };
}

/** What the library registers for one function. */
export interface FunctionMetadata {
  readonly name: string;
  readonly bindings: Record<string, BindingInfo>;
  readonly retryOptions?: RetryOptions | undefined;
}

/** The app's own function: inputs first, the invocation context last. */
export type FunctionCallback = (...inputs: unknown[]) => unknown;

/** A hook's callback; the library wraps the context that the host fills. */
export type HookCallback = (context: Record<string, unknown>) => unknown;

/** What the host tells the library about one attempt after a failed one. */
export interface RetryContext {
  readonly retryCount: number;
  readonly maxRetryCount: number;
  readonly exception?: { readonly message: string; readonly stackTrace?: string };
}

/** Severity names of the worker protocol. */
export type LogLevel = "trace" | "debug" | "information" | "warning" | "error" | "critical" | "none";

/** One invocation, as the library's model wants it. */
export interface CoreInvocationContext {
  readonly invocationId: string;
  readonly metadata: FunctionMetadata;
  readonly request: {
    readonly inputData: readonly { readonly name: string; readonly data: TypedData }[];
    readonly triggerMetadata: Record<string, TypedData>;
    readonly retryContext?: RetryContext;
    readonly traceContext: { readonly traceParent: string };
  };
  state: "preInvocationHooks" | "invocation" | "postInvocationHooks" | undefined;
  log(level: LogLevel, category: string, message: string): void;
}

/** The library's own side of one invocation. */
interface InvocationModel {
  getArguments(): Promise<{ context: unknown; inputs: unknown[] }>;
  invokeFunction(context: unknown, inputs: unknown[], callback: FunctionCallback): Promise<unknown>;
  getResponse(context: unknown, result: unknown): Promise<InvocationResponse>;
}

/** What an invocation answers; only the return value has a use in this host. */
export interface InvocationResponse {
  readonly returnValue?: TypedData | null;
}

/** The programming model that `@azure/functions` sets when the app registers its first function. */
export interface ProgrammingModel {
  getInvocationModel(context: CoreInvocationContext): InvocationModel;
  getCapabilities(capabilities: Record<string, string>): Promise<Record<string, string>>;
}
