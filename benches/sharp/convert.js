"use strict";

// Conversions by sharp on one thread.
//
//   node convert.js IN OUT WIDTH HEIGHT QUALITY            from file to file
//   node convert.js IN OUT WIDTH HEIGHT QUALITY --lines    from bytes to bytes, once for each line of standard
//                                                          input; answers as `repeat` does

const { readFileSync, writeFileSync } = require("node:fs");
const { createInterface } = require("node:readline");
const sharp = require("sharp");

sharp.concurrency(1);
sharp.cache(false);

const [from, to, width, height, quality, lines] = process.argv.slice(2);

// What image-gate does: no optimized Huffman tables, 4:2:0, and its efforts for WebP and AVIF.
const FORMATS = {
  jpg: (picture) => picture.jpeg({ quality: Number(quality), chromaSubsampling: "4:2:0", optimiseCoding: false }),
  png: (picture) => picture.png({ palette: to.includes(".palette.") }),
  gif: (picture) => picture.gif(),
  webp: (picture) => picture.webp({ quality: Number(quality), effort: 4 }),
  avif: (picture) => picture.avif({ quality: Number(quality), effort: 0, chromaSubsampling: "4:2:0" }),
};

function convert(source) {
  const picture = sharp(source, { animated: from.includes("moving") }).resize(Number(width), Number(height), { fit: "fill", kernel: "lanczos3" });
  const [, sigma] = /\.blur(\d+)\./.exec(to) ?? [];
  return FORMATS[to.split(".").pop()](sigma ? picture.blur(Number(sigma)) : picture);
}

async function eachLine() {
  const source = readFileSync(from);
  let made = Buffer.alloc(0);
  for await (const _ of createInterface({ input: process.stdin })) {
    made = await convert(source).toBuffer();
    console.log(made.length);
  }
  writeFileSync(to, made);
}

if (lines) {
  eachLine();
} else {
  convert(from).toFile(to);
}
