import assert from 'node:assert/strict';
import { generateKeyPairSync, sign } from 'node:crypto';
import { test } from 'node:test';
import { challengeText } from '../gateway/challenge-text.ts';
import { ApiKeys, CHALLENGE_MS } from '../gateway/identity/api-keys.ts';
import { IdentityReject } from '../gateway/identity/identity-reject.ts';
import { readServiceAccounts } from '../gateway/identity/service-accounts.ts';

const pairs = { a: generateKeyPairSync('ed25519'), b: generateKeyPairSync('ed25519') };
const spki = (id: keyof typeof pairs): string => pairs[id].publicKey.export({ type: 'spki', format: 'der' }).toString('base64');
const accounts = readServiceAccounts(
  'keys.yaml',
  `keys:
  - { id: a, public-key: "${spki('a')}", roles: trader, accounts: 1 }
  - { id: b, public-key: "${spki('b')}", roles: trader, accounts: 2 }
`,
);

/** API keys with a clock that the test sets, and the reason of an answer's reject, or `token`. */
function fixture() {
  const clock = { ms: 5000.25 };
  const keys = new ApiKeys(
    () => accounts,
    () => clock.ms,
  );
  const fate = async (id: string, nonce: string, signer: keyof typeof pairs = 'a'): Promise<string> => {
    const signature = sign(null, Buffer.from(challengeText(id, nonce)), pairs[signer].privateKey).toString('base64');
    const answer = await keys.answer(id, nonce, signature);
    return answer instanceof IdentityReject ? answer.reason : 'token';
  };
  return { clock, keys, fate };
}

const FOREIGN = 'the challenge was not issued to this key';

test('a challenge is valid for 30 s, and once', async () => {
  const { clock, keys, fate } = fixture();
  const nonce = keys.challenge('a');
  clock.ms += CHALLENGE_MS;
  assert.equal(await fate('a', nonce), 'token');
  assert.equal(await fate('a', nonce), 'the challenge was answered before');
  const late = keys.challenge('a');
  clock.ms += CHALLENGE_MS + 1;
  assert.equal(await fate('a', late), 'the challenge has expired');
  assert.equal(await fate('a', nonce), 'the challenge has expired', 'nothing becomes valid again when it is no longer stored');
});

test('a challenge is valid for its id only, and for the process that issued it', async () => {
  const { keys, fate } = fixture();
  const nonce = keys.challenge('a');
  assert.equal(await fate('b', nonce, 'b'), FOREIGN);
  assert.equal(await fixture().fate('a', nonce), FOREIGN);
  assert.equal(await fate('a', nonce), 'token');
});

test('no part of a challenge can be changed', async () => {
  const { keys, fate } = fixture();
  const [end, random, mac] = keys.challenge('a').split('.');
  const forged = [
    `${Number(end) + 1}.${random}.${mac}`,
    `0${end}.${random}.${mac}`,
    `${end}0.${random}.${mac}`,
    `${end}.${random.slice(1)}A.${mac}`,
    `${end}.${random}.`,
    `${end}.${random}`,
    `${end}.${random}.${mac}.`,
    `${end}.${random}.${mac}\n`,
    ` ${end}.${random}.${mac}`,
    `.${mac}`,
    '',
    'x'.repeat(10_000),
  ];
  for (const nonce of forged) assert.equal(await fate('a', nonce), FOREIGN, JSON.stringify(nonce.slice(0, 80)));
});

test('an id with a separator forges no challenge of another id', async () => {
  const { keys, fate } = fixture();
  // What was asked for as the challenge of one id, shifted so that a part of the id becomes the beginning of the challenge.
  for (const separator of ['\n', ':', '.', '\0', '']) {
    for (const end of ['zzzzzzzz', '9999999999999', '2811111111111', '1:a9999999999999']) {
      const given = keys.challenge(`a${separator}${end}`);
      const [, random, mac] = given.split('.');
      for (const nonce of [`${end}${separator}${given}`, `${end}\n${given}`, `${end}${given}`, `${end}.${random}.${mac}`])
        assert.notEqual(await fate('a', nonce), 'token', JSON.stringify(nonce));
    }
  }
});

test('a clock that was ahead leaves no challenge that outlives the others', async () => {
  const { clock, keys, fate } = fixture();
  clock.ms += 1000 * CHALLENGE_MS;
  const ahead = keys.challenge('a');
  clock.ms -= 1000 * CHALLENGE_MS;
  assert.equal(await fate('a', ahead), 'the challenge ends later than any that was issued');
});

test('a key that answers too many challenges at once can log in again half a minute later; another key always can', async () => {
  const { clock, keys, fate } = fixture();
  for (let i = 0; i < 3000; i++) assert.equal(await fate('a', keys.challenge('a')), 'token');
  assert.equal(await fate('a', keys.challenge('a')), 'the key answers too many challenges');
  assert.equal(await fate('b', keys.challenge('b'), 'b'), 'token');
  clock.ms += CHALLENGE_MS + 1;
  assert.equal(await fate('a', keys.challenge('a')), 'token');
});

test('a session token ends with its key, its time and its process', async (t) => {
  let current = accounts;
  const keys = new ApiKeys(() => current);
  const nonce = keys.challenge('a');
  const signature = sign(null, Buffer.from(challengeText('a', nonce)), pairs.a.privateKey).toString('base64');
  const answer = await keys.answer('a', nonce, signature);
  assert.ok(!(answer instanceof IdentityReject));
  const verify = async (): Promise<string> => {
    const caller = await keys.verify(answer.token);
    return caller instanceof IdentityReject ? caller.reason : caller.subject;
  };
  assert.equal(await verify(), 'a');
  assert.ok((await new ApiKeys(() => accounts).verify(answer.token)) instanceof IdentityReject, "another process's token");
  current = { ...accounts, keys: new Map() };
  assert.equal(await verify(), 'the key of this session token is no longer there');
  current = accounts;
  t.mock.timers.enable({ apis: ['Date'], now: Date.now() });
  t.mock.timers.tick(929_000);
  assert.equal(await verify(), 'a', 'within the skew');
  t.mock.timers.tick(2000);
  assert.match(await verify(), /exp/);
});

test('a session token is that of its key and has the rights that the file gives now', async () => {
  let current = accounts;
  const keys = new ApiKeys(() => current);
  const logIn = async (signer: keyof typeof pairs): Promise<string> => {
    const nonce = keys.challenge('a');
    const answer = await keys.answer(
      'a',
      nonce,
      sign(null, Buffer.from(challengeText('a', nonce)), pairs[signer].privateKey).toString('base64'),
    );
    return answer instanceof IdentityReject ? answer.reason : answer.token;
  };
  const shown = async (token: string): Promise<string> => {
    const caller = await keys.verify(token);
    return caller instanceof IdentityReject ? caller.reason : `${caller.subject}: ${[...caller.roles]} of ${[...caller.accounts]}`;
  };
  const write = (key: keyof typeof pairs, rights: string): void => {
    current = readServiceAccounts('keys.yaml', `keys:\n  - { id: a, public-key: "${spki(key)}", ${rights} }\n`);
  };
  const old = await logIn('a');
  assert.equal(await shown(old), 'a: trader of 1');
  write('a', 'subject: desk, roles: read-only, accounts: 2');
  assert.equal(await shown(old), 'desk: read-only of 2', 'changed rights count at once');
  write('b', 'roles: trader, accounts: 1');
  assert.equal(await shown(old), 'the key of this session token was replaced');
  assert.equal(await logIn('a'), 'the signature is not that of key a');
  const young = await logIn('b');
  assert.equal(await shown(young), 'a: trader of 1');
  write('a', 'roles: trader, accounts: 1');
  assert.equal(await shown(young), 'the key of this session token was replaced');
  assert.equal(await shown(old), 'a: trader of 1', 'the same key again');
});
