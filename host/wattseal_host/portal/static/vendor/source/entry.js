export { p256 } from "@noble/curves/nist.js";
export { pippenger } from "@noble/curves/abstract/curve.js";
