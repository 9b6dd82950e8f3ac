// @aws-sdk/client-lambda against `lectern serve`: node sdk_test.mjs MODULES ZIP
import assert from 'node:assert/strict';
import fs from 'node:fs';
import { createRequire } from 'node:module';

const require = createRequire(process.argv[2] + '/');
const sdk = require('@aws-sdk/client-lambda');
const client = new sdk.LambdaClient({ region: 'us-east-1', maxAttempts: 1, credentials: { accessKeyId: 'test', secretAccessKey: 'test' } });
const send = (name, input = {}) => client.send(new sdk[name + 'Command'](input));
const text = (bytes) => new TextDecoder().decode(bytes);
const base = { Runtime: 'provided.al2023', Role: 'arn:aws:iam::000000000000:role/test', Handler: 'bootstrap', Code: { ZipFile: fs.readFileSync(process.argv[3]) } };

async function refused(name, input, type, words) {
  await assert.rejects(send(name, input), (error) => error.name === type && error.message.includes(words));
}

await send('CreateFunction', { ...base, FunctionName: 'f', Timeout: 10, Environment: { Variables: { SHOP: 'x' } } });
await sdk.waitUntilFunctionActiveV2({ client, maxWaitTime: 20 }, { FunctionName: 'f' });
await refused('CreateFunction', { ...base, FunctionName: 'f' }, 'ResourceConflictException', 'Function already exist: f');
await refused('GetFunction', { FunctionName: 'none' }, 'ResourceNotFoundException', 'Function not found: arn:aws:lambda:us-east-1:');

let answer = await send('Invoke', { FunctionName: 'f', Payload: JSON.stringify({ a: 'ä' }), LogType: 'Tail',
  ClientContext: Buffer.from('{"custom":1}').toString('base64') });
assert.deepEqual(JSON.parse(text(answer.Payload)), { a: 'ä' });
assert.equal(answer.StatusCode, 200);
assert.equal(answer.ExecutedVersion, '$LATEST');
assert.match(Buffer.from(answer.LogResult, 'base64').toString(), /^START RequestId: .*\n[^]*REPORT RequestId/);
answer = await send('Invoke', { FunctionName: 'f', Payload: '{"do":"error"}' });
assert.equal(answer.FunctionError, 'Unhandled');
assert.equal((await send('Invoke', { FunctionName: 'f', InvocationType: 'Event', Payload: '{}' })).StatusCode, 202);
assert.equal((await send('Invoke', { FunctionName: 'f', InvocationType: 'DryRun' })).StatusCode, 204);
await refused('Invoke', { FunctionName: 'f', Payload: '{' }, 'InvalidRequestContentException', 'Could not parse request body into json');

await send('UpdateFunctionConfiguration', { FunctionName: 'f', MemorySize: 512 });
await sdk.waitUntilFunctionUpdatedV2({ client, maxWaitTime: 20 }, { FunctionName: 'f' });
for (let i = 0; i < 3; ++i) {
  await send('UpdateFunctionConfiguration', { FunctionName: 'f', Description: 'version ' + i });
  await send('PublishVersion', { FunctionName: 'f' });
}
await send('CreateAlias', { FunctionName: 'f', Name: 'live', FunctionVersion: '2', RoutingConfig: { AdditionalVersionWeights: { 3: 0.5 } } });
const arn = (await send('GetAlias', { FunctionName: 'f', Name: 'live' })).AliasArn;
assert.match((await send('Invoke', { FunctionName: arn })).ExecutedVersion, /^[23]$/);
const versions = [];
for await (const page of sdk.paginateListVersionsByFunction({ client, pageSize: 2 }, { FunctionName: 'f' })) versions.push(...page.Versions);
assert.deepEqual(versions.map((v) => v.Version), ['$LATEST', '1', '2', '3']);
for await (const page of sdk.paginateListFunctions({ client }, {})) assert.equal(page.Functions[0].FunctionName, 'f');
await send('PutFunctionConcurrency', { FunctionName: 'f', ReservedConcurrentExecutions: 0 });
await refused('Invoke', { FunctionName: 'f' }, 'TooManyRequestsException', 'Rate Exceeded');

await send('CreateFunction', { ...base, FunctionName: 's', Environment: { Variables: { BEHAVE_INIT: 'stream' } } });
async function stream(payload) {
  const result = { parts: [], end: null };
  const begun = await send('InvokeWithResponseStream', { FunctionName: 's', Payload: payload });
  assert.equal(begun.StatusCode, 200);
  for await (const event of begun.EventStream) {
    if (event.PayloadChunk) result.parts.push(text(event.PayloadChunk.Payload));
    if (event.InvokeComplete) result.end = event.InvokeComplete;
  }
  return result;
}
let streamed = await stream('{"n":3}');
assert.equal(streamed.parts.join(''), 'piece 0\npiece 1\npiece 2\n');
assert.ok(streamed.end && !streamed.end.ErrorCode);
streamed = await stream('{"n":1,"do":"error"}');
assert.ok(streamed.end.ErrorCode, JSON.stringify(streamed));
for (const name of ['f', 's']) await send('DeleteFunction', { FunctionName: name });
console.log('ok @aws-sdk/client-lambda', require('@aws-sdk/client-lambda/package.json').version);
