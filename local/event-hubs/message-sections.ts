/** Descriptor codes of message sections; all above the message annotations are the part no server may change. */
export const sectionCode = { deliveryAnnotations: 0x71, messageAnnotations: 0x72, data: 0x75 } as const;

/**
 * The bytes of a message's sections whose codes pass. Bytes are passed on instead of decoded and encoded again
 * because rhea does not keep AMQP types, and cannot write every number that it reads. Throws an Error when the
 * bytes are not a row of sections.
 */
export function sectionsWhere(encoded: Buffer, passes: (code: number) => boolean): Buffer {
  const kept: Buffer[] = [];
  for (let start = 0; start < encoded.length; ) {
    if (encoded.readUInt8(start) !== 0) throw new Error(`no section begins at byte ${start}`);
    const code = descriptorCode(encoded, start + 1);
    const end = endOfValue(encoded, start);
    if (end > encoded.length) throw new Error(`the section at byte ${start} is cut short`);
    if (passes(code)) kept.push(encoded.subarray(start, end));
    start = end;
  }
  return Buffer.concat(kept);
}

const ulong = 0x80;
const smallUlong = 0x53;

function descriptorCode(encoded: Buffer, at: number): number {
  const typeCode = encoded.readUInt8(at);
  if (typeCode === smallUlong) return encoded.readUInt8(at + 1);
  if (typeCode === ulong) return Number(encoded.readBigUInt64BE(at + 1));
  throw new Error(`the section at byte ${at - 1} has no numeric descriptor`);
}

/** Where the value that begins here ends: the upper half of its type code tells its width (AMQP 1.0, 1.2). */
function endOfValue(encoded: Buffer, at: number): number {
  const typeCode = encoded.readUInt8(at);
  if (typeCode === 0) return endOfValue(encoded, endOfValue(encoded, at + 1));
  const kind = typeCode >>> 4;
  const content = at + 1;
  const fixed = [0, 1, 2, 4, 8, 16][kind - 4];
  if (fixed !== undefined) return content + fixed;
  if (kind < 4) throw new Error(`byte ${at} begins no AMQP value`);
  return kind % 2 === 0
    ? content + 1 + encoded.readUInt8(content)
    : content + 4 + encoded.readUInt32BE(content);
}
