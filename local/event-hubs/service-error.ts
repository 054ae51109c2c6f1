import type { AmqpError } from "rhea";

/** Error conditions of the service, in the words from which its clients make their error classes. */
export const serviceError = {
  entityNotFound: (entity: string): AmqpError => ({
    condition: "amqp:not-found",
    description: `The messaging entity '${entity}' could not be found.`,
  }),
  unknownPartition: (partition: string, count: number): AmqpError => ({
    condition: "com.microsoft:argument-out-of-range",
    description: `Partition '${partition}' does not exist: it has to be between 0 and ${count - 1}.`,
  }),
  badArgument: (description: string): AmqpError => ({
    condition: "com.microsoft:argument-error",
    description,
  }),
  internal: (description: string): AmqpError => ({ condition: "amqp:internal-error", description }),
  serverBusy: (): AmqpError => ({
    condition: "com.microsoft:server-busy",
    description: "The server was told to be busy. Try again.",
  }),
  tooLarge: (bytes: number, limit: number): AmqpError => ({
    condition: "amqp:link:message-size-exceeded",
    description: `The delivery has ${bytes} bytes, the limit is ${limit}.`,
  }),
  stolen: (description: string): AmqpError => ({ condition: "amqp:link:stolen", description }),
  tooManyReaders: (limit: number): AmqpError => ({
    condition: "amqp:resource-limit-exceeded",
    description: `A consumer group has at most ${limit} readers on a partition.`,
  }),
  forced: (): AmqpError => ({
    condition: "amqp:connection:forced",
    description: "The connection was closed by the server.",
  }),
};
