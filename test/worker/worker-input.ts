import type { Input } from "./worker-host.ts";

/**
 * A batch of one partition as the host sends it where the binding asks for bytes. The sequence numbers go as 64-bit
 * integers: the protocol library of some workers then gives the app objects of two halves instead of numbers.
 */
export function batchInput(bodies: readonly Uint8Array[], firstSequence: number): Input {
  const numbers = bodies.map((_body, index) => firstSequence + index);
  const at = new Date().toISOString();
  return {
    data: { collectionBytes: { bytes: bodies } },
    metadata: {
      PartitionContext: {
        json: JSON.stringify({
          FullyQualifiedNamespace: "localhost",
          EventHubName: "alerts",
          ConsumerGroup: "$Default",
          PartitionId: "3",
        }),
      },
      SequenceNumberArray: { collectionSint64: { sint64: numbers } },
      OffsetArray: { collectionString: { string: numbers.map((number) => String(number * 512)) } },
      EnqueuedTimeUtcArray: { json: JSON.stringify(numbers.map(() => at)) },
      PropertiesArray: { json: JSON.stringify(numbers.map(() => ({}))) },
    },
  };
}

/** A tick of a timer that is in time. */
export function tickInput(): Input {
  const now = new Date().toISOString();
  const status = { Last: now, Next: now, LastUpdated: now };
  return {
    data: {
      json: JSON.stringify({ Schedule: { AdjustForDST: true }, ScheduleStatus: status, IsPastDue: false }),
    },
  };
}

/** What a request holds besides method and address. */
interface Content {
  readonly token?: string;
  /** Route parameters, which the host takes out of the address. */
  readonly params?: Readonly<Record<string, string>>;
  readonly body?: object;
}

/** A request as the host passes it on. */
export function httpInput(
  method: "GET" | "POST",
  path: string,
  { token, params = {}, body }: Content = {},
): Input {
  const nullable = (entries: Iterable<[string, string]>) =>
    Object.fromEntries([...entries].map(([key, value]) => [key, { value }]));
  const url = new URL(path, "http://localhost");
  return {
    data: {
      http: {
        method,
        url: url.href,
        nullableHeaders: nullable([
          ["content-type", "application/json"],
          ...(token === undefined ? [] : [["authorization", `Bearer ${token}`] as [string, string]]),
        ]),
        nullableQuery: nullable(url.searchParams),
        nullableParams: nullable(Object.entries(params)),
        ...(body === undefined ? {} : { body: { bytes: Buffer.from(JSON.stringify(body)) } }),
      },
    },
  };
}
