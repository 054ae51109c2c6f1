import { describe, expect, it } from "vitest";
import { applyJsonPatch } from "../../../local/kubernetes/json-patch.ts";
import { applyMergePatch } from "../../../local/kubernetes/merge-patch.ts";
import { StatusError } from "../../../local/kubernetes/status-error.ts";
import { applyStrategicMergePatch } from "../../../local/kubernetes/strategic-merge-patch.ts";

describe("JSON patches", () => {
  it.each([
    [{ a: 1 }, [{ op: "add", path: "/b/c", value: 1 }], "error"],
    [{ a: 1 }, [{ op: "add", path: "/b", value: 2 }], { a: 1, b: 2 }],
    [{ a: [1, 3] }, [{ op: "add", path: "/a/1", value: 2 }], { a: [1, 2, 3] }],
    [{ a: [1] }, [{ op: "add", path: "/a/-", value: 2 }], { a: [1, 2] }],
    [{ a: [1] }, [{ op: "add", path: "/a/2", value: 2 }], "error"],
    [{ a: [1, 2] }, [{ op: "remove", path: "/a/0" }], { a: [2] }],
    [{ a: [1] }, [{ op: "remove", path: "/a/1" }], "error"],
    [{ a: 1 }, [{ op: "replace", path: "/a", value: null }], { a: null }],
    [{ a: 1 }, [{ op: "move", from: "/a", path: "/b" }], { b: 1 }],
    [{ a: { x: 1 } }, [{ op: "copy", from: "/a", path: "/b" }], { a: { x: 1 }, b: { x: 1 } }],
    [{ a: 1 }, [{ op: "move", from: "/none", path: "/b" }], "error"],
    [{ "x/y~z": 1 }, [{ op: "test", path: "/x~1y~0z", value: 1 }], { "x/y~z": 1 }],
    [{ a: { x: 1, y: 2 } }, [{ op: "test", path: "/a", value: { y: 2, x: 1 } }], { a: { x: 1, y: 2 } }],
    [{ a: 1 }, [{ op: "test", path: "/none/deeper", value: null }], "error"],
    [{ a: 1 }, [{ op: "explode", path: "/a" }], "error"],
    [{ a: 1 }, [{ op: "add", path: "a", value: 1 }], "error"],
  ])("%j by %j is %j", (document, patch, wanted) => {
    const before = structuredClone(document);
    if (wanted === "error") expect(() => applyJsonPatch(document, patch)).toThrow(StatusError);
    else expect(applyJsonPatch(document, patch)).toEqual(wanted);
    expect(document).toEqual(before);
  });
});

describe("merge patches", () => {
  it("merge maps, delete by null and replace lists", () => {
    const document = { a: { x: 1, y: 2 }, list: [1, 2], gone: true };
    const patch = { a: { y: null, z: 3 }, list: [3], gone: null };
    expect(applyMergePatch(document, patch)).toEqual({ a: { x: 1, z: 3 }, list: [3] });
  });
});

describe("strategic merge patches", () => {
  const document = {
    finalizers: ["a", "b"],
    env: [
      { name: "A", value: "1" },
      { name: "B", value: "2" },
    ],
    args: ["x"],
    map: { p: 1 },
  };

  it.each([
    [{ env: [{ name: "A", value: "9" }] }, { env: [{ name: "A", value: "9" }, document.env[1]] }],
    [{ env: [{ name: "A", $patch: "delete" }] }, { env: [document.env[1]] }],
    [{ env: [{ $patch: "replace" }, { name: "C" }] }, { env: [{ name: "C" }] }],
    [{ "$deleteFromPrimitiveList/finalizers": ["a"] }, { finalizers: ["b"] }],
    [{ finalizers: ["c"] }, { finalizers: ["a", "b", "c"] }],
    [{ args: ["y"] }, { args: ["y"] }],
    [{ map: { $patch: "replace", q: 2 } }, { map: { q: 2 } }],
    [{ "$setElementOrder/env": [{ name: "B" }], map: { p: null } }, { map: {} }],
  ])("%j changes %j", (patch, changed) => {
    expect(applyStrategicMergePatch(document, patch)).toEqual({ ...document, ...changed });
  });
});
