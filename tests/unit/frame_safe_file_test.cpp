// SPDX-License-Identifier: Apache-2.0
// Files that are written whole or not at all, and never over what is not ours.
#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "safe_file.h"

namespace {

namespace fs = std::filesystem;
using namespace lowp::tool;

struct Folder {
  fs::path root = fs::temp_directory_path() / ("safe-file-" + std::to_string(::getpid()));
  Folder() { fs::create_directory(root); }
  ~Folder() { fs::remove_all(root); }
  std::string write(const std::string& name, const std::string& text) const {
    std::ofstream(root / name) << text;
    return (root / name).string();
  }
  static std::string text(const std::string& path) {
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), {}};
  }
};

}  // namespace

TEST_CASE("only new files and our own may be written") {
  const Folder folder;
  const std::vector<std::string> none;
  CHECK_FALSE(why_not_over((folder.root / "new").string(), "<ours", none));
  const std::string ours = folder.write("ours", "<ours 1"), other = folder.write("other", "text");
  CHECK_FALSE(why_not_over(ours, "<ours", none));
  CHECK(why_not_over(ours, "", none));
  CHECK(why_not_over(other, "<ours", none));
  CHECK(why_not_over(folder.write("short", "<o"), "<ours", none));
  CHECK(why_not_over(folder.root.string(), "<ours", none));
  CHECK(why_not_over("/dev/null", "<ours", none));
  const std::string link = (folder.root / "link").string();
  fs::create_hard_link(ours, link);
  const std::vector<std::string> inputs{ours};
  CHECK(why_not_over(link, "<ours", inputs)->message().find("an input") != std::string::npos);
}

TEST_CASE("a file is replaced whole, through links, and keeps its old text on any fault") {
  const Folder folder;
  const std::string path = folder.write("a", "old"), link = (folder.root / "link").string();
  fs::create_symlink(path, link);
  REQUIRE(replace_file(link, "new"));
  CHECK(Folder::text(path) == "new");
  CHECK(fs::is_symlink(link));
  CHECK_FALSE(replace_file((folder.root / "none" / "b").string(), "x"));
  CHECK(std::distance(fs::directory_iterator(folder.root), {}) == 2);  // nothing is left beside
}
