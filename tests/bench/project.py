# SPDX-License-Identifier: LGPL-2.1-or-later
"""A C++ project to be built with CMake and ninja: some libraries of sources that use the standard library's templates, and programs
that are linked with them. The same arguments make the same files."""

HEADER = """#pragma once
#include <algorithm>
#include <map>
#include <numeric>
#include <string>
#include <vector>

namespace part{part} {{

template <typename Key, typename Value> class Table {{
public:
	void add(const Key &key, Value value) {{ rows[key].push_back(std::move(value)); }}
	Value total(const Key &key) const
	{{
		auto found = rows.find(key);
		return found == rows.end() ? Value{{}} : std::accumulate(found->second.begin(), found->second.end(), Value{{}});
	}}
	std::vector<Key> keys() const
	{{
		std::vector<Key> all;
		for (const auto &row : rows)
			all.push_back(row.first);
		std::sort(all.begin(), all.end(), [](const Key &a, const Key &b) {{ return b < a; }});
		return all;
	}}

private:
	std::map<Key, std::vector<Value>> rows;
}};

std::string summary(int n);
{declarations}
}}
"""

SOURCE = """#include "part{part}.h"
#include <functional>
#include <memory>
#include <sstream>
#include <unordered_map>

namespace part{part} {{

namespace {{

struct Shape {{
	virtual ~Shape() = default;
	virtual double area() const = 0;
}};

template <int Sides> struct Regular : Shape {{
	explicit Regular(double l) : length(l) {{}}
	double area() const override {{ return Sides * length * length / {divisor}; }}
	double length;
}};

std::vector<std::unique_ptr<Shape>> shapes(int n)
{{
	std::vector<std::unique_ptr<Shape>> all;
	for (int i = 0; i < n; i++) {{
		if (i % 3 == 0)
			all.push_back(std::make_unique<Regular<{n} + 3>>(i));
		else
			all.push_back(std::make_unique<Regular<{n} + 4>>(i + 1));
	}}
	std::sort(all.begin(), all.end(), [](const auto &a, const auto &b) {{ return a->area() < b->area(); }});
	return all;
}}

}}

std::string work{n}(int n)
{{
	Table<std::string, long> words;
	Table<int, double> areas;
	std::unordered_map<std::string, std::function<long(long)>> functions{{
		{{"double", [](long x) {{ return 2 * x; }}}}, {{"square", [](long x) {{ return x * x + {n}; }}}}}};
	std::ostringstream out;
	for (int i = 0; i < n; i++)
		words.add("word" + std::to_string(i % 7), functions[i % 2 ? "double" : "square"](i));
	for (const auto &shape : shapes(n))
		areas.add(static_cast<int>(shape->area()) % 11, shape->area());
	for (const auto &key : words.keys())
		out << key << '=' << words.total(key) << ' ';
	for (int key : areas.keys())
		out << key << ':' << areas.total(key) << ' ';
	return out.str();
}}

}}
"""

SUMMARY = """#include "part{part}.h"

namespace part{part} {{

std::string summary(int n)
{{
	return {calls};
}}

}}
"""

PROGRAM = """#include "part{part}.h"
#include <iostream>

int main()
{{
	std::cout << part{part}::summary(20) << std::endl;
}}
"""

CMAKE = """cmake_minimum_required(VERSION 3.13)
project(bench CXX)
set(CMAKE_CXX_STANDARD 17)
"""


def make_project(top, n_parts, n_sources):
    """`n_parts` libraries of so many sources each, with a program for each of them."""
    lists = [CMAKE]
    for part in range(n_parts):
        names = [f"part{part}-{n}.cpp" for n in range(n_sources)]
        for n, name in enumerate(names):
            (top / name).write_text(SOURCE.format(part=part, n=n, divisor=n + 2))
        declarations = "\n".join(f"std::string work{n}(int n);" for n in range(n_sources))
        (top / f"part{part}.h").write_text(HEADER.format(part=part, declarations=declarations))
        calls = " + ".join(f"work{n}(n)" for n in range(n_sources))
        (top / f"part{part}.cpp").write_text(SUMMARY.format(part=part, calls=calls))
        (top / f"program{part}.cpp").write_text(PROGRAM.format(part=part))
        lists.append(f"add_library(part{part} STATIC part{part}.cpp {' '.join(names)})\n"
                     f"add_executable(program{part} program{part}.cpp)\n"
                     f"target_link_libraries(program{part} part{part})\n")
    (top / "CMakeLists.txt").write_text("".join(lists))
