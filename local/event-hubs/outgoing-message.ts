import type { Message, Typed } from "rhea";
import rhea from "rhea";
import { sectionCode, sectionsWhere } from "./message-sections.ts";
import { annotation, type StoredEvent, senderAnnotations } from "./stored-event.ts";

/** The message as readers get it: the sender's own part unchanged, behind the annotations of the service. */
export function annotatedMessage(encoded: Buffer, message: Message, event: StoredEvent): Buffer {
  const { types } = rhea;
  const annotations = rhea.message.encode({
    message_annotations: {
      ...senderAnnotations(message),
      [annotation.sequenceNumber]: types.wrap_long(event.sequenceNumber),
      [annotation.offset]: event.offset,
      [annotation.enqueuedTime]: types.wrap_timestamp(event.enqueuedTimeUtc.getTime()),
      ...(event.partitionKey === null ? {} : { [annotation.partitionKey]: event.partitionKey }),
    },
  });
  return Buffer.concat([
    sectionsWhere(annotations, (code) => code === sectionCode.messageAnnotations),
    sectionsWhere(encoded, (code) => code > sectionCode.messageAnnotations),
  ]);
}

/** The delivery annotations that tell a reader the newest event of its partition. */
export function newestEventAnnotations(last: StoredEvent, now: Date): Buffer {
  const { types } = rhea;
  const delivery_annotations: Record<string, Typed | string> = {
    last_enqueued_sequence_number: types.wrap_long(last.sequenceNumber),
    last_enqueued_offset: last.offset,
    last_enqueued_time_utc: types.wrap_timestamp(last.enqueuedTimeUtc.getTime()),
    runtime_info_retrieval_time_utc: types.wrap_timestamp(now.getTime()),
  };
  const encoded = rhea.message.encode({ delivery_annotations });
  return sectionsWhere(encoded, (code) => code === sectionCode.deliveryAnnotations);
}
