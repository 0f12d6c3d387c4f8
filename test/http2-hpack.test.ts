import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:http2';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { GrpcCall } from '../gateway/endpoints/grpc/call.ts';
import { GrpcServer } from '../gateway/endpoints/grpc/server.ts';
import { encodeHeaders } from '../gateway/endpoints/http2/header-block.ts';
import { HpackDecoder } from '../gateway/endpoints/http2/hpack-decoder.ts';
import { RequestHeaders } from '../gateway/endpoints/http2/request-headers.ts';
import { times } from './support/long-runs.ts';

type Fields = (readonly [name: string, value: string])[];

/** Undefined: it cannot be decoded. */
function decode(decoder: HpackDecoder, hex: string | Buffer): Fields | undefined {
  const bytes = typeof hex === 'string' ? Buffer.from(hex.replaceAll(' ', ''), 'hex') : hex;
  const fields: Fields = [];
  return decoder.decode(bytes, 0, bytes.length, { onHeader: (name, value) => fields.push([name, value]) }) ? fields : undefined;
}

const GET: Fields = [
  [':method', 'GET'],
  [':scheme', 'http'],
  [':path', '/'],
  [':authority', 'www.example.com'],
];
const GET_HTTPS: Fields = [
  [':method', 'GET'],
  [':scheme', 'https'],
  [':path', '/index.html'],
  [':authority', 'www.example.com'],
  ['custom-key', 'custom-value'],
];
const answer = (status: string, seconds: number): Fields => [
  [':status', status],
  ['cache-control', 'private'],
  ['date', `Mon, 21 Oct 2013 20:13:${seconds} GMT`],
  ['location', 'https://www.example.com'],
];
const LAST: Fields = [
  [':status', '200'],
  ['cache-control', 'private'],
  ['date', 'Mon, 21 Oct 2013 20:13:22 GMT'],
  ['location', 'https://www.example.com'],
  ['content-encoding', 'gzip'],
  ['set-cookie', 'foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1'],
];

/** RFC 7541, appendix C: the blocks of one connection, and their fields. */
const EXAMPLES: readonly (readonly [what: string, blocks: readonly (readonly [hex: string, fields: Fields])[]])[] = [
  ['C.2.1', [['400a 6375 7374 6f6d 2d6b 6579 0d63 7573 746f 6d2d 6865 6164 6572', [['custom-key', 'custom-header']]]]],
  ['C.2.2', [['040c 2f73 616d 706c 652f 7061 7468', [[':path', '/sample/path']]]]],
  ['C.2.3', [['1008 7061 7373 776f 7264 0673 6563 7265 74', [['password', 'secret']]]]],
  ['C.2.4', [['82', [[':method', 'GET']]]]],
  [
    'C.3',
    [
      ['8286 8441 0f77 7777 2e65 7861 6d70 6c65 2e63 6f6d', GET],
      ['8286 84be 5808 6e6f 2d63 6163 6865', [...GET, ['cache-control', 'no-cache']]],
      ['8287 85bf 400a 6375 7374 6f6d 2d6b 6579 0c63 7573 746f 6d2d 7661 6c75 65', GET_HTTPS],
    ],
  ],
  [
    'C.4',
    [
      ['8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff', GET],
      ['8286 84be 5886 a8eb 1064 9cbf', [...GET, ['cache-control', 'no-cache']]],
      ['8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf', GET_HTTPS],
    ],
  ],
  [
    'C.5, in a table of 256 bytes',
    [
      [
        '3fe1 01 4803 3330 3258 0770 7269 7661 7465 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3120 474d 546e 1768 7474 7073 3a2f 2f77 7777 2e65 7861 6d70 6c65 2e63 6f6d',
        answer('302', 21),
      ],
      ['4803 3330 37c1 c0bf', answer('307', 21)],
      [
        '88c1 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3220 474d 54c0 5a04 677a 6970 7738 666f 6f3d 4153 444a 4b48 514b 425a 584f 5157 454f 5049 5541 5851 5745 4f49 553b 206d 6178 2d61 6765 3d33 3630 303b 2076 6572 7369 6f6e 3d31',
        LAST,
      ],
    ],
  ],
  [
    'C.6, in a table of 256 bytes',
    [
      [
        '3fe1 01 4882 6402 5885 aec3 771a 4b61 96d0 7abe 9410 54d4 44a8 2005 9504 0b81 66e0 82a6 2d1b ff6e 919d 29ad 1718 63c7 8f0b 97c8 e9ae 82ae 43d3',
        answer('302', 21),
      ],
      ['4883 640e ffc1 c0bf', answer('307', 21)],
      [
        '88c1 6196 d07a be94 1054 d444 a820 0595 040b 8166 e084 a62d 1bff c05a 839b d9ab 77ad 94e7 821d d7f2 e6c7 b335 dfdf cd5b 3960 d5af 2708 7f36 72c1 ab27 0fb5 291f 9587 3160 65c0 03ed 4ee5 b106 3d50 07',
        LAST,
      ],
    ],
  ],
];

describe('header blocks', () => {
  for (const [what, blocks] of EXAMPLES)
    it(`example ${what} of RFC 7541`, () => {
      const decoder = new HpackDecoder();
      for (const [hex, fields] of blocks) assert.deepEqual(decode(decoder, hex), fields);
    });

  for (const [what, hex] of [
    ['an index of no field', 'be'],
    ['index 0', '80'],
    ['a name of no field', '7f 00 01 61'],
    ['an integer that does not end', 'ff ffff'],
    ['an integer that is too large', 'ff ffff ffff ff7f'],
    ['a text that is cut off', '00 05 6162'],
    ['a text without its length', '00'],
    ['a change of the table behind a field', '82 20'],
    ['a table that is larger than permitted', '3f e2 1f'],
    ['padding of zeros', '00 01 61 82 1800'],
    ['padding of eight bits', '00 01 61 82 1fff'],
    ['the end of a text within it', '00 01 61 84 ffff ffff'],
  ] as const)
    it(`${what} is an error`, () => assert.equal(decode(new HpackDecoder(), hex), undefined));

  it('a table of the permitted size may be set, and fields that do not fit empty it', () => {
    const decoder = new HpackDecoder();
    assert.deepEqual(decode(decoder, '3f e1 1f 40 01 61 01 62'), [['a', 'b']]);
    assert.deepEqual(decode(decoder, 'be'), [['a', 'b']]);
    const large = Buffer.concat([Buffer.from([0x40, 1, 0x63, 0x7f, 0x81, 0x1f]), Buffer.alloc(4096, 'd')]);
    assert.equal(decode(decoder, large)?.length, 1);
    assert.equal(decode(decoder, 'be'), undefined);
  });

  it('random bytes are decoded or refused, and never throw', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 60 }), { maxLength: 5 }), (blocks) => {
        const decoder = new HpackDecoder();
        for (const block of blocks) if (decode(decoder, Buffer.from(block)) === undefined) return;
      }),
      { numRuns: times(2000, 50_000) },
    );
  });

  it('what is encoded is decoded', () => {
    const name = fc.stringMatching(/^[a-z][a-z0-9-]{0,20}$/);
    const value = fc.string({ unit: 'binary-ascii', maxLength: 300 });
    fc.assert(
      fc.property(fc.dictionary(name, value), (headers) => {
        assert.deepEqual(decode(new HpackDecoder(), encodeHeaders(headers)), Object.entries(headers));
      }),
      { numRuns: times(200, 2000) },
    );
  });

  it('random headers of many requests of one connection arrive as nghttp2 has encoded them, and are answered', async (t) => {
    const received: Record<string, string>[] = [];
    const echo = (call: GrpcCall): void => {
      const own = Object.entries(call.headers).filter(([name]) => name.startsWith('x-'));
      received.push(Object.fromEntries(own) as Record<string, string>);
      call.accept(Object.fromEntries(own) as Record<string, string>);
      call.end();
    };
    const server = new GrpcServer({ methods: { '/test/Echo': echo }, maxMessageBytes: 1024 });
    const port = await server.listen('127.0.0.1', 0);
    // Small enough that the client's table overflows, and large enough that it has entries.
    const session = connect(`http://127.0.0.1:${port}`, { settings: { headerTableSize: 300 } });
    t.after(async () => {
      session.destroy();
      await server.stop(0);
    });
    const name = fc.stringMatching(/^x-[a-d]{1,3}$/);
    const visible = fc.stringMatching(/^[!-~]([ -~]{0,60}[!-~])?$/);
    const latin1 = fc.array(fc.integer({ min: 0x80, max: 0xff }), { minLength: 1, maxLength: 3 }).map((codes) => {
      return `${'e'.repeat(40)}${String.fromCharCode(...codes)}${'i'.repeat(40)}`;
    });
    const headers = fc.dictionary(name, fc.oneof(visible, latin1), { maxKeys: 8 });
    const basics = { ':method': 'POST', ':path': '/test/Echo', 'content-type': 'application/grpc', te: 'trailers' };
    await fc.assert(
      fc.asyncProperty(headers, async (sent) => {
        const stream = session.request({ ...basics, ...sent }, { endStream: true });
        const [answered] = (await once(stream, 'response')) as [Record<string, string>];
        stream.resume();
        assert.deepEqual(received.pop(), { ...sent });
        for (const [key, value] of Object.entries(sent)) assert.equal(answered[key], value);
        await once(stream, 'close');
      }),
      { numRuns: times(300, 3000) },
    );
  });
});

describe('the headers of a request', () => {
  const GOOD: Fields = [
    [':method', 'POST'],
    [':scheme', 'http'],
    [':path', '/a'],
    ['content-type', 'application/grpc'],
  ];
  const take = (fields: Fields, isTrailers: boolean = false, most: number = 1000): RequestHeaders => {
    const headers = new RequestHeaders(isTrailers, most);
    for (const [name, value] of fields) headers.onHeader(name, value);
    headers.end();
    return headers;
  };

  for (const [what, fields] of [
    ['a name in upper case', [...GOOD, ['Accept', 'a']]],
    ['a name with a blank', [...GOOD, ['a b', 'a']]],
    ['an empty name', [...GOOD, ['', 'a']]],
    ['a value with a line break', [...GOOD, ['a', 'a\r\nb']]],
    ['a value with a NUL', [...GOOD, ['a', 'a\0b']]],
    ['a value that ends in a blank', [...GOOD, ['a', 'b ']]],
    ['a pseudo header of answers', [[':status', '200'], ...GOOD]],
    ['a pseudo header behind another header', [...GOOD, [':authority', 'a']]],
    ['a pseudo header twice', [[':path', '/'], ...GOOD]],
    ['no path', GOOD.filter(([name]) => name !== ':path')],
    ['an empty path', GOOD.map(([name, value]) => [name, name === ':path' ? '' : value] as const)],
    ['a header of a connection', [...GOOD, ['transfer-encoding', 'chunked']]],
    ['te other than trailers', [...GOOD, ['te', 'gzip']]],
    ['a length that is no number', [...GOOD, ['content-length', '-1']]],
    ['two lengths', [...GOOD, ['content-length', '1'], ['content-length', '1']]],
    ['CONNECT with a path', [[':method', 'CONNECT'], ...GOOD.slice(1)]],
  ] as const)
    it(`${what} makes it malformed`, () => assert.equal(take(fields as Fields).isMalformed, true));

  it('repeated headers are joined, but for those of which the first counts', () => {
    const { values, isMalformed } = take([...GOOD, ['a', '1'], ['a', '2'], ['cookie', 'x'], ['cookie', 'y'], ['content-type', 'other']]);
    assert.equal(isMalformed, false);
    assert.deepEqual({ ...values }, { ...Object.fromEntries(GOOD), a: '1, 2', cookie: 'x; y' });
    assert.equal(Object.getPrototypeOf(values), null);
  });

  it('trailers have no pseudo headers', () => {
    assert.equal(take([['a', 'b']], true).isMalformed, false);
    assert.equal(take([[':path', '/']], true).isMalformed, true);
  });

  it('a list is too long with the overhead of its fields', () => {
    const bytes = GOOD.reduce((sum, [name, value]) => sum + name.length + value.length + 32, 0);
    assert.equal(take(GOOD, false, bytes).isTooLong, false);
    assert.equal(take(GOOD, false, bytes - 1).isTooLong, true);
  });
});
