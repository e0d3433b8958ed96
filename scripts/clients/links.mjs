// Links that official clients make of a picture of 300x200, and what they are to lead to: one line of
// JSON each. What is to come of them is reckoned here, by what the servers say of themselves.

import { createHmac } from 'node:crypto';
import { createRequire } from 'node:module';

const packages = createRequire(`${process.argv[2]}/`);
const { generateUrl } = packages('@imgproxy/imgproxy-js-core');
const ImgixClient = packages('@imgix/js-core');
const { transformUrl } = await import(packages.resolve('unpic'));

const [WIDTH, HEIGHT] = [300, 200];
const round = (side) => Math.max(1, Math.round(side));
const scaled = (factor) => [round(WIDTH * factor), round(HEIGHT * factor)];
const inside = (w, h) => scaled(Math.min(w ? w / WIDTH : Infinity, h ? h / HEIGHT : Infinity));
const within = (w, h) => scaled(Math.min(1, w ? w / WIDTH : Infinity, h ? h / HEIGHT : Infinity));

const tell = (server, path, [width, height], format) => console.log(JSON.stringify({ server, path, width, height, format }));

const sides = [[100, 100], [120, 50], [50, 120], [250, 0], [0, 77], [299, 199], [300, 200], [33, 77]];

// imgproxy
const sign = (path) => `/${createHmac('sha256', 'key').update(`salt${path}`).digest('base64url')}${path}`;
const imgproxy = (options, size, format, type = 'plain') => {
  const source = 'local:///photo.png';
  const value = type === 'plain' ? source : Buffer.from(source).toString('base64url');
  tell('imgproxy', sign(generateUrl({ value, type }, options)), size, format);
};
for (const [width, height] of sides) {
  const both = width && height;
  imgproxy({ resize: { resizing_type: 'fit', width, height } }, within(width, height));
  imgproxy({ size: { width, height }, quality: 60, format: 'webp' }, within(width, height), 'webp', 'base64');
  imgproxy({ width, height, enlarge: 1 }, inside(width, height));
  imgproxy({ resize: { resizing_type: 'fill', width, height } }, both ? [width, height] : within(width, height));
  imgproxy({ resize: { resizing_type: 'fill-down', width, height }, format: 'jpg' }, both ? [width, height] : within(width, height), 'jpeg');
  imgproxy({ width, height, rotate: 180, background: 'ff0000', blur: 2 }, within(width, height));
}
imgproxy({ width: 100, dpr: 2 }, [200, 133]);
imgproxy({ width: 200, dpr: 2, padding: { top: 10 } }, [330, 230]);
imgproxy({ crop: { width: 0.5, height: 0.5 } }, [150, 100]);
imgproxy({ width: 100, height: 100, extend: { extend: true } }, [100, 100]);

// imgix
const imgix = new ImgixClient({ domain: 'imgix.test', secureURLToken: 'token' });
const asked = (url, size, format) => {
  const { pathname, search } = new URL(url);
  tell('imgix', pathname + search, size, format);
};
for (const [w, h] of sides) {
  const box = w && h ? { w, h } : w ? { w } : { h };
  asked(imgix.buildURL('/photo.png', box), inside(w, h));
  asked(imgix.buildURL('/photo.png', { ...box, fit: 'max' }), within(w, h));
  if (w && h) {
    for (const fit of ['crop', 'fill', 'scale']) asked(imgix.buildURL('/photo.png', { w, h, fit }), [w, h]);
    asked(imgix.buildURL('/photo.png', { w, h, fit: 'crop', crop: 'top,left', fm: 'jpg', q: 50 }), [w, h], 'jpeg');
  }
}
for (const widths of [[100, 200, 300], [50, 75]]) {
  for (const entry of imgix.buildSrcSet('/photo.png', {}, { widths }).split(',\n')) {
    const [url, width] = entry.split(' ');
    asked(url, inside(parseInt(width, 10), 0));
  }
}
asked(imgix.buildURL('/photo.png', { w: 320, ar: '16:9', fit: 'crop' }), [320, 180]);

// unpic, which is behind the components of many frameworks
for (const [width, height] of sides.filter(([w, h]) => w && h)) {
  for (const [provider, server, size] of [
    ['cloudflare', 'cloudflare', [width, height]],
    ['ipx', 'ipx', [width, height]],
    ['nextjs', 'next', within(width, 0)],
    ['wsrv', 'weserv', [width, height]],
  ]) {
    const url = transformUrl({ url: '/photo.png', width, height, provider, fallback: provider });
    const { pathname, search } = new URL(url, 'http://localhost');
    tell(server, pathname + search, size);
  }
}
