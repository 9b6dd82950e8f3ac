#include "plan/experiments/report.h"

#include <fmt/core.h>

#include "base/files.h"
#include "base/xml.h"
#include "plan/plot/svg.h"

namespace lectern::plan {

namespace {
std::string_view kindOf(const Curve& curve) { return curve.measured ? "measured" : "simulated"; }
}  // namespace

std::string figureCsv(const Figure& figure) {
  std::string csv = "figure,series,kind,x,y\n";
  for (const Curve& curve : figure.curves) {
    for (const auto& [x, y] : curve.points) {
      csv += fmt::format("{},\"{}\",{},{},{:.9g}\n", figure.number, curve.name, kindOf(curve), x, y);
    }
  }
  return csv;
}

std::string figureSvg(const Figure& figure) {
  Chart chart;
  chart.title = figure.title;
  chart.x_label = figure.x_label;
  chart.y_label = figure.y_label;
  chart.x_log = figure.x_log;
  chart.y_log = figure.y_log;
  chart.width = 860;
  for (const Curve& curve : figure.curves) {
    chart.series.push_back({curve.name + (curve.measured ? " *" : ""), curve.points, {}, !curve.measured});
  }
  return drawChart(chart);
}

namespace {
/// What is measured, what is simulated and from what.
std::string originText(const Figure& figure, const Calibration& c) {
  std::string measured;
  for (const Curve& curve : figure.curves) {
    if (curve.measured) measured += (measured.empty() ? "" : ", ") + curve.name;
  }
  std::string text = figure.text;
  text += measured.empty() ? " Every curve is simulated"
                           : " Measured here (solid, *): " + measured + "; dashed curves are simulated";
  text += fmt::format(" from {} ({:.0f} ms an image on one hardware thread, {:.0f} ms to load).", c.source, c.page_ms,
                      c.load_ms);
  return text;
}
}  // namespace

std::string figureText(const Figure& figure, const Calibration& c) {
  std::string text = originText(figure, c);
  for (const Claim& claim : figure.claims) {
    text += fmt::format(" {}: {}.", claim.text,
                        claim.holds ? "the paper's claim of shape holds" : "the claim does not hold here");
    if (!claim.holds && !claim.why.empty()) text += " " + claim.why;
  }
  if (!figure.since.empty()) text += " Since 2020: " + figure.since;
  return text;
}

std::string reportHtml(const std::vector<Figure>& figures, const Calibration& c) {
  std::string html =
      "<!doctype html><html lang='en'><head><meta charset='utf-8'><title>Lectern: the paper's "
      "experiments</title><style>"
      "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#222}"
      "svg{max-width:100%;height:auto}li.no{color:#a33}</style></head><body><h1>The paper's experiments</h1>";
  html += fmt::format(
      "<p>Chahal et al. 2020, figures 3 to 7, on this application. Calibrated from {}. The paper prints no values of "
      "its "
      "figures, so shapes are compared. Solid curves with a star are measured on this machine, dashed ones are "
      "simulated "
      "with the engine's own scheduler; 2020 and 2026 stand for the limits, billing steps and prices of that "
      "year. Simulated instances read the paper's model of {:.0f} MiB from the shared file system; the measured ones carry "
      "the project's own weights, which are far smaller, in their bundle.</p>",
      escapeXml(c.source), c.model_mib);
  for (const Figure& figure : figures) {
    html += fmt::format("<h2>Figure {}: {}</h2>{}<p>{}</p><ul>", figure.number, escapeXml(figure.title),
                        figureSvg(figure), escapeXml(originText(figure, c)));
    for (const Claim& claim : figure.claims) {
      html += fmt::format("<li class='{}'>{}: {}.{}</li>", claim.holds ? "yes" : "no", escapeXml(claim.text),
                          claim.holds ? "the paper's claim holds" : "the paper's claim does not hold here",
                          claim.holds || claim.why.empty() ? "" : " " + escapeXml(claim.why));
    }
    if (!figure.since.empty()) html += fmt::format("<li>Since 2020: {}</li>", escapeXml(figure.since));
    html += "</ul>";
  }
  return html + "</body></html>\n";
}

Result<void> writeFigures(const std::vector<Figure>& figures, const Calibration& c,
                          const std::filesystem::path& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) return fail(Code::kDenied, fmt::format("cannot make {}: {}", folder.string(), error.message()));
  for (const Figure& figure : figures) {
    const std::string name = fmt::format("fig{}", figure.number);
    TRY_VOID(writeFileAtomic(folder / (name + ".csv"), figureCsv(figure)));
    TRY_VOID(writeFileAtomic(folder / (name + ".svg"), figureSvg(figure)));
  }
  return writeFileAtomic(folder / "report.html", reportHtml(figures, c));
}

}  // namespace lectern::plan
