/** Is this host name, as in `URL.hostname`, the machine itself? Names that only resolve to it do not count. */
export function isLoopback(hostname: string): boolean {
  return hostname === "localhost" || hostname === "[::1]" || /^127\.\d+\.\d+\.\d+$/.test(hostname);
}
