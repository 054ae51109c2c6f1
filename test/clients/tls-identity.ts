import { generateKeyPairSync, randomBytes, sign } from "node:crypto";
import type { ServerIdentity } from "../../local/kubernetes/http-front.ts";

/** A server's key and certificate, which is its own authority. */
export interface TlsIdentity extends ServerIdentity {
  /** As `certificate-authority-data` of a kubeconfig has it. */
  readonly authority: string;
}

const ECDSA_SHA256 = sequence(hex("06082a8648ce3d040302"));

/** A fresh identity for 127.0.0.1 and localhost, made of nothing but Node: no tool of the machine is needed. */
export function tlsIdentity(name = "stand-in"): TlsIdentity {
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const subject = sequence(der(0x31, sequence(hex("0603550403"), der(0x0c, Buffer.from(name)))));
  const names = sequence(der(0x82, Buffer.from("localhost")), der(0x87, Buffer.from([127, 0, 0, 1])));
  const extensions = sequence(
    sequence(hex("0603551d11"), der(0x04, names)),
    sequence(hex("0603551d13"), hex("0101ff"), der(0x04, sequence(hex("0101ff")))),
  );
  const body = sequence(
    der(0xa0, hex("020102")),
    der(0x02, Buffer.concat([Buffer.from([1]), randomBytes(15)])),
    ECDSA_SHA256,
    subject,
    sequence(time("250101000000Z"), time("491231000000Z")),
    subject,
    publicKey.export({ type: "spki", format: "der" }),
    der(0xa3, extensions),
  );
  const signature = der(0x03, Buffer.concat([Buffer.from([0]), sign("sha256", body, privateKey)]));
  const lines =
    sequence(body, ECDSA_SHA256, signature)
      .toString("base64")
      .match(/.{1,64}/g) ?? [];
  const cert = `-----BEGIN CERTIFICATE-----\n${lines.join("\n")}\n-----END CERTIFICATE-----\n`;
  const key = privateKey.export({ type: "pkcs8", format: "pem" }).toString();
  return { key, cert, authority: Buffer.from(cert).toString("base64") };
}

/** One value of DER: tag, length, content. */
function der(tag: number, content: Buffer): Buffer {
  const { length } = content;
  const size =
    length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...size]), content]);
}

function sequence(...parts: readonly Buffer[]): Buffer {
  return der(0x30, Buffer.concat(parts));
}

function time(text: string): Buffer {
  return der(0x17, Buffer.from(text));
}

function hex(text: string): Buffer {
  return Buffer.from(text, "hex");
}
