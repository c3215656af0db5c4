from images.parts import bill_of

HELD = {
    "debian": [{"name": "libc6", "version": "2.36-9+deb12u14", "arch": "amd64"}],
    "python": [{"name": "ruamel_yaml", "version": "0.19.1"}],
    "jars": [
        {"name": "deequ", "version": "2.1.0-spark-3.5", "group": "com.amazon.deequ", "sha256": "ab"},
        {"name": "spark-core_2.12", "version": "3.5.9", "group": "", "sha256": "cd"},
    ],
    "go": [{"name": "example.com/gateway", "version": "v1.8.0"}],
}


def test_each_part_has_the_address_that_scanners_look_for():
    found = bill_of("calve/spark:0123456789ab", HELD)

    assert [each["purl"] for each in found["components"]] == [
        "pkg:deb/debian/libc6@2.36-9%2Bdeb12u14?arch=amd64",
        "pkg:generic/spark-core_2.12@3.5.9",
        "pkg:golang/example.com/gateway@v1.8.0",
        "pkg:maven/com.amazon.deequ/deequ@2.1.0-spark-3.5",
        "pkg:pypi/ruamel-yaml@0.19.1",
    ]


def test_jars_are_named_with_their_checksums():
    found = bill_of("calve/spark:0123456789ab", HELD)

    assert [each["hashes"][0]["content"] for each in found["components"] if "hashes" in each] == ["cd", "ab"]


def test_the_same_image_gives_the_same_list():
    assert bill_of("calve/spark:0123456789ab", HELD) == bill_of("calve/spark:0123456789ab", HELD)
