import type { HttpClient, Pipeline, PipelinePolicy } from "@azure/core-rest-pipeline";
import type { TokenCredential } from "@azure/identity";
import { Permanent } from "../../model/errors.ts";
import { type ArmEndpoint, armEndpoint } from "./arm-endpoint.ts";
import { boundedClient } from "./bounded-client.ts";

/** How Azure Resource Manager is reached. */
export interface ArmOptions {
  /** The one identity that is used; it is never another. */
  readonly credential: TokenCredential;
  /** Origin of the cloud; the public one if not given. */
  readonly endpoint?: string | undefined;
  /** Whether the endpoint may be a stand-in on this machine. */
  readonly allowLoopback?: boolean | undefined;
  /** Limit of one whole call, the token included; 10 s if not given. */
  readonly timeoutMs?: number | undefined;
  /** Sends what the pipeline made; faults are injected here. */
  readonly httpClient?: HttpClient | undefined;
}

/** What every client of Resource Manager has in common. */
export interface ArmAccess {
  readonly endpoint: ArmEndpoint;
  readonly credential: TokenCredential;
  readonly timeoutMs: number;
  /**
   * What a pipeline needs: no retries (the engine owns them: a call that waits by itself would outlive its lease) and no
   * redirects (a token would follow them).
   */
  readonly pipelineOptions: {
    readonly retryOptions: { readonly maxRetries: 0 };
    readonly redirectOptions: { readonly maxRetries: 0 };
    readonly userAgentOptions: { readonly userAgentPrefix: string };
  };
  /** The HTTP client under every pipeline. Loads the library. */
  httpClient(): Promise<HttpClient>;
  /** Puts the check of the host before everything that asks for a token. */
  protect(pipeline: Pipeline): Promise<void>;
}

const TIMEOUT_MS = 10_000;

/** Checks the options; nothing is loaded or asked before the first call. Raises `Permanent` on an endpoint that may not be used. */
export function openArmAccess(options: ArmOptions): ArmAccess {
  const endpoint = armEndpoint(options.endpoint, { allowLoopback: options.allowLoopback ?? false });
  let client: Promise<HttpClient> | undefined;
  const open = async (): Promise<HttpClient> =>
    boundedClient(options.httpClient ?? (await import("./sdk.ts")).createDefaultHttpClient(), endpoint);
  return {
    endpoint,
    credential: options.credential,
    timeoutMs: options.timeoutMs ?? TIMEOUT_MS,
    pipelineOptions: {
      retryOptions: { maxRetries: 0 },
      redirectOptions: { maxRetries: 0 },
      userAgentOptions: { userAgentPrefix: "defender-reflex" },
    },
    httpClient: () => {
      client ??= open();
      return client;
    },
    async protect(pipeline) {
      const { bearerTokenAuthenticationPolicyName } = await import("./sdk.ts");
      pipeline.addPolicy(onlyTo(endpoint.origin), { beforePolicies: [bearerTokenAuthenticationPolicyName] });
    },
  };
}

/** Lets through what goes to the origin, before a token is asked for. */
function onlyTo(origin: string): PipelinePolicy {
  return {
    name: "onlyToResourceManager",
    sendRequest(request, next) {
      if (URL.parse(request.url)?.origin === origin) return next(request);
      throw new Permanent(
        "A request would have left for a host that is not Azure Resource Manager.",
        "Report this: no token was sent.",
      );
    },
  };
}
