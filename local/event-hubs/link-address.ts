/** A producer's target: a hub, or one partition of it. */
export interface ProducerAddress {
  hub: string;
  partition: string | undefined;
}

/** A consumer's source: one partition of a hub as one consumer group sees it. */
export interface ConsumerAddress {
  hub: string;
  group: string;
  partition: string;
}

const producer = /^([^/]+)(?:\/Partitions\/([^/]+))?$/i;
const consumer = /^([^/]+)\/ConsumerGroups\/([^/]+)\/Partitions\/([^/]+)$/i;

/** Reads `HUB` or `HUB/Partitions/N`; undefined when the address is neither. */
export function producerAddress(address: string): ProducerAddress | undefined {
  const [, hub, partition] = producer.exec(address) ?? [];
  return hub === undefined ? undefined : { hub, partition };
}

/** Reads `HUB/ConsumerGroups/GROUP/Partitions/N`; undefined when the address is something else. */
export function consumerAddress(address: string): ConsumerAddress | undefined {
  const [, hub, group, partition] = consumer.exec(address) ?? [];
  if (hub === undefined || group === undefined || partition === undefined) return undefined;
  return { hub, group, partition };
}
