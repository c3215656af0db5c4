from datetime import datetime

import pytest

from transforms.dim_category import curate_dim_category

COLUMNS = "category_id int, parent_category_id int, name string, level int, updated_at timestamp"


@pytest.fixture
def category(rows):
    """Return a function that curates a tree and returns the given columns by category."""

    def curate(*tree, show):
        curated = curate_dim_category(rows(COLUMNS, *tree))
        return {row["category_id"]: tuple(row[name] for name in show) for row in curated.collect()}

    return curate


def test_a_path_reads_from_the_top(category):
    tree = [(1, None, "MEDIA", 1, "2025-01-01"), (5, 1, "MOVIES", 2, "2025-01-01"), (9, 5, "OLD", 3, "2025-01-01")]
    assert category(*tree, show=["path", "path_ids", "top_category_id", "top_category"]) == {
        1: ("MEDIA", "1", 1, "MEDIA"),
        5: ("MEDIA > MOVIES", "1/5", 1, "MEDIA"),
        9: ("MEDIA > MOVIES > OLD", "1/5/9", 1, "MEDIA"),
    }


def test_a_category_with_an_unknown_parent_stays(category):
    assert category((5, 1, "MOVIES", 2, "2025-01-01"), show=["path", "path_ids"]) == {5: ("MOVIES", "5")}


def test_a_circle_of_parents_ends(category):
    tree = [(1, 2, "A", 1, "2025-01-01"), (2, 1, "B", 1, "2025-01-01")]
    assert category(*tree, show=["path_ids"]) == {1: ("2/1/2/1",), 2: ("1/2/1/2",)}


def test_a_rename_above_moves_the_time_of_everything_below(category):
    tree = [(1, None, "MEDIA", 1, "2025-03-01"), (5, 1, "MOVIES", 2, "2025-01-01"), (9, 5, "OLD", 3, "2025-01-02")]
    march = datetime(2025, 3, 1)
    assert category(*tree, show=["_source_at"]) == {1: (march,), 5: (march,), 9: (march,)}
