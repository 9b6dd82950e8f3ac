#include "contract/event_filter.h"

#include <gtest/gtest.h>

namespace lectern::contract {
namespace {

json::value criteriaOf(const std::vector<std::string>& patterns) {
  json::array filters;
  for (auto& pattern : patterns) filters.push_back(json::object{{"Pattern", pattern}});
  return json::object{{"Filters", std::move(filters)}};
}

bool passes(const std::vector<std::string>& patterns, const std::string& record) {
  auto filter = EventFilter::of(criteriaOf(patterns));
  EXPECT_TRUE(filter) << patterns[0];
  return filter && filter->passes(parseJson(record)->as_object());
}

const char* const kRecord =
    R"({"name":"Scan.PNG","size":700,"tags":["a","b"],"none":null,"s3":{"object":{"key":"in/scan.png"}}})";

TEST(EventFilterTest, Rules) {
  struct Row {
    const char* pattern;
    bool fits;
  };
  for (auto& row : {
           Row{R"({"name":["other","Scan.PNG"]})", true}, Row{R"({"name":["scan.png"]})", false},
           Row{R"({"name":[{"equals-ignore-case":"scan.png"}]})", true}, Row{R"({"size":[700.0]})", true},
           Row{R"({"size":["700"]})", false}, Row{R"({"none":[null]})", true}, Row{R"({"missing":[null]})", false},
           Row{R"({"s3":{"object":{"key":[{"prefix":"in/"}]}}})", true},
           Row{R"({"s3":{"object":{"key":[{"suffix":".png"}]}}})", true},
           Row{R"({"s3":{"object":{"key":[{"wildcard":"*/s*n.png"}]}}})", true},
           Row{R"({"s3":{"object":{"key":[{"wildcard":"*/s*n.jpg"}]}}})", false},
           Row{R"({"s3":{"object":{"key":[{"anything-but":{"suffix":".png"}}]}}})", false},
           Row{R"({"s3":{"bucket":{"name":[{"exists":false}]}}})", true},
           Row{R"({"s3":{"bucket":{"name":["x"]}}})", false}, Row{R"({"name":[{"exists":true}],"size":[1]})", false},
           Row{R"({"size":[{"numeric":[">",600,"<=",700]}]})", true}, Row{R"({"size":[{"numeric":[">",700]}]})", false},
           Row{R"({"size":[{"anything-but":[1,2]}]})", true}, Row{R"({"size":[{"anything-but":700}]})", false},
           Row{R"({"tags":["b"]})", true}, Row{R"({"tags":[{"prefix":"c"}]})", false},
           Row{R"({"$or":[{"size":[1]},{"name":[{"prefix":"Scan"}]}]})", true},
           Row{R"({"$or":[{"size":[1]},{"size":[2]}]})", false},
       }) {
    EXPECT_EQ(passes({row.pattern}, kRecord), row.fits) << row.pattern;
  }
}

TEST(EventFilterTest, OneFilterIsEnoughAndNoneLetsAllPass) {
  EXPECT_TRUE(passes({R"({"size":[1]})", R"({"size":[700]})"}, kRecord));
  EXPECT_FALSE(passes({R"({"size":[1]})", R"({"size":[2]})"}, kRecord));
  EXPECT_TRUE(EventFilter::of(json::object{})->passes({}));
  EXPECT_TRUE(EventFilter::of(criteriaOf({}))->passes({}));
}

TEST(EventFilterTest, RefusesInLambdasWords) {
  for (const char* pattern : {"", "no json", "[]", "{}", R"({"a":"b"})", R"({"a":[]})", R"({"a":[{"regex":"x"}]})",
                              R"({"a":[{"prefix":1}]})", R"({"a":[["x"]]})", R"({"a":[{"numeric":["~",1]}]})",
                              R"({"a":[{"wildcard":"a**b"}]})", R"({"$or":[{"a":[1]}]})", R"({"a":[{"exists":1}]})"}) {
    auto filter = EventFilter::of(criteriaOf({pattern}));
    ASSERT_FALSE(filter) << pattern;
    EXPECT_EQ(filter.error().name, "InvalidParameterValueException");
    EXPECT_EQ(filter.error().message, "Invalid filter pattern definition.");
  }
  EXPECT_FALSE(EventFilter::of(criteriaOf(std::vector<std::string>(11, R"({"a":[1]})"))));
}

}  // namespace
}  // namespace lectern::contract
