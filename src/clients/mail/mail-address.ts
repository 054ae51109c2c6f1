import { Permanent } from "../../model/errors.ts";

/** One plain address without a name, quoting, spaces or line ends, so that it can be nothing but one address. */
const ADDRESS = /^[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,252}[A-Za-z0-9])?$/;

/** Checks that text is one plain mail address and gives it back. Raises `Permanent`. */
export function mailAddress(text: string): string {
  if (!ADDRESS.test(text)) {
    throw new Permanent(
      `${JSON.stringify(text.slice(0, 100))} is not a plain mail address.`,
      "Write addresses in the configuration as name@example.com, one per entry.",
    );
  }
  return text;
}
