#include "plan/profile.h"

#include "base/files.h"
#include "plan/profile/report.h"

namespace lectern::plan {

Result<std::string> writeProfile(const Profile& profile, const std::filesystem::path& path) {
  TRY_VOID(writeFileAtomic(path, profileFileText(profile)));
  std::filesystem::path chart = path;
  chart.replace_extension(".svg");
  TRY_VOID(writeFileAtomic(chart, profileChart(profile)));
  return profileTable(profile) + "written: " + path.string() + ", " + chart.string() + "\n";
}

}  // namespace lectern::plan
