// Texts that people write: serverless.yml, price books, recorded traces, filters of event sources.

#include <cstdint>
#include <vector>

#include "contract/event_filter.h"
#include "contract/serverless_yml.h"
#include "plan/prices/book.h"
#include "plan/workload/trace.h"
#include "seeds.h"

std::vector<std::string> fuzzSeeds() {
  return {"service: shop\nprovider: {name: aws, runtime: provided.al2023, memorySize: 256}\n"
          "functions:\n  f:\n    handler: bootstrap\n"
          "    timeout: ${self:custom.t, 5}\n    layers: [{Ref: ALambdaLayer}]\n    events: []\nlayers:\n  a: {path: a}\n"
          "custom: {t: 3, lectern: {watch: [{function: f, directory: in, patterns: ['*.png']}]}}\n",
          "a: &x [1, 2]\nb: *x\nc: |\n  text\n  more\n", repositoryFile("tests/e2e/clients/cloudformation.yml"),
          repositoryFile("src/plan/prices/books/aws-2020.json"), repositoryFile("src/plan/prices/books/google-2026.json"),
          "t_s,cold,instance,duration_ms,billed_ms,max_mem_mb,client_ms\n0.5,1,a,100.5,200,64,300\n1,0,a,90,100,64,120\n",
          "t_s,context_tokens,generated_tokens\n0,4808,10\n0.05,3180,8\n",
          "start_s,duration_s,app,function\n0,0.1,a,f\n2,0.3,a,g\n",
          "function,avg_ms,min1,min2\nf,100,3,0\ng,20,1,9\n",
          "HashOwner,HashApp,HashFunction,Trigger,1,2\no,a,f,http,2,1\n",
          "app,func,end_timestamp,duration\na,f,1.5,0.2\n", "t_s,duration_ms,function\n0,100,f\n",
          R"({"a":"xy","Filters":[{"Pattern":"{\"a\":[{\"prefix\":\"x\"}])"
          R"(,\"$or\":[{\"b\":[1]},{\"c\":[{\"numeric\":[\">\",1]}]}]}"}]})"};
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  lectern::contract::parseServerless({text, "fuzz.yml", "dev", [](const std::string&) { return std::string("value"); }});
  lectern::plan::parseBook(text);
  lectern::plan::parseTrace(text, "fuzz", 1);
  if (auto criteria = lectern::parseJson(text)) {
    auto filter = lectern::contract::EventFilter::of(*criteria);
    if (filter && criteria->is_object()) filter->passes(criteria->get_object());
  }
  return 0;
}
