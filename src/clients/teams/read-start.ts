/** The first bytes of a response's body as text, at most `limit` of them; the rest is not fetched. */
export async function readStart(response: Pick<Response, "body">, limit: number): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  let left = limit;
  const reader = response.body?.getReader();
  while (reader !== undefined && left > 0) {
    const { done, value } = await reader.read();
    if (done) {
      return text + decoder.decode();
    }
    const part = value.subarray(0, left);
    left -= part.byteLength;
    text += decoder.decode(part, { stream: true });
  }
  await reader?.cancel();
  return text;
}
