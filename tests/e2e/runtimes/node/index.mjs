// The functions that runtimes_test.py expects, for aws-lambda-ric.
let count = 0;
export const handler = async (event) => {
  count += 1;
  const what = event && event.do;
  if (what === 'error') throw new RangeError('as asked');
  if (what === 'exit') process.exit(3);
  if (what === 'sleep') await new Promise((done) => setTimeout(done, 60000));
  if (what === 'count') return count;
  if (what === 'memory') for (const kept = []; ;) kept.push(Buffer.alloc(1 << 20, 1));
  return event;
};
export const streamed = awslambda.streamifyResponse(async (event, stream) => {
  for (const word of ['one ', 'two ', 'three']) stream.write(word);
  stream.end();
});
