// Long work in short slices, so that the page never freezes. Work is a generator function that
// yields its progress, from 0 to 1, every now and then.
"use strict";

Laboratory.work = (() => {
  const SLICE = 10; // milliseconds

  // Run a generator to its end; returns a promise of what it returns. `job.cancelled` stops it.
  function run(generator, job = {}, progress = () => {}) {
    return new Promise((resolve, reject) => {
      const channel = new MessageChannel();
      channel.port1.onmessage = () => {
        if (job.cancelled) return;
        try {
          const end = performance.now() + SLICE;
          let step;
          do step = generator.next();
          while (!step.done && performance.now() < end);
          if (step.done) {
            channel.port1.close();
            return resolve(step.value);
          }
          progress(step.value);
          channel.port2.postMessage(0);
        } catch (error) {
          channel.port1.close();
          reject(error);
        }
      };
      channel.port2.postMessage(0);
    });
  }

  // For tests and short work: run to the end at once.
  function now(generator) {
    let step;
    do step = generator.next();
    while (!step.done);
    return step.value;
  }

  return { run, now };
})();
