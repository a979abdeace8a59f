"""Tables from CSV files: types, words, missing values, and lines that are no rows."""

from __future__ import annotations

import numpy as np
import pytest

from lamina import using
from lamina.data import Loader, Table
from lamina.errors import CorruptFileError, DTypeError, RangeError

TEXT = """age, city, height
31, Zürich, 1.8
45, "Bern, old", 1.75
-7, Zürich, 2
"""


@pytest.fixture
def read(tmp_path):
    def make(text: str | bytes, **settings) -> Table:
        path = tmp_path / "some.csv"
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return Table.read(path, **settings)

    return make


def test_columns_have_the_narrowest_type_that_fits(read):
    table = read(TEXT)
    assert {name: str(table[name].dtype) for name in table.names} == {
        "age": "int64",
        "city": "int64",
        "height": "float32",
    }
    assert table["age"].tolist() == [31, 45, -7]
    assert table["height"].tolist() == np.float32([1.8, 1.75, 2]).tolist()


def test_words_are_codes_in_their_order(read):
    table = read(TEXT)
    assert table.categories == {"city": ["Bern, old", "Zürich"]}
    assert table["city"].tolist() == [1, 0, 1]


def test_numbers_follow_the_dtype_that_is_set(read):
    with using(dtype=np.float64):
        assert read(TEXT)["height"].tolist() == [1.8, 1.75, 2]


def test_items_and_batches_are_dicts(read):
    table = read(TEXT)
    assert {name: float(v) for name, v in table[1].items()} == {
        "age": 45,
        "city": 0,
        "height": 1.75,
    }
    batch = next(iter(Loader(table, 2, shuffle=False)))
    assert batch["age"].tolist() == [31, 45]


def test_a_matrix_has_a_column_for_each_word(read):
    table = read(TEXT)
    assert table.matrix("city", "age").tolist() == [[0, 1, 31], [1, 0, 45], [0, 1, -7]]
    assert table.matrix("city", one_hot=False).tolist() == [[1], [0], [1]]
    assert (table.matrix().shape, table.matrix().dtype) == ((3, 4), np.float32)


def test_a_table_shows_its_columns(read):
    assert repr(read(TEXT)) == "Table(3 rows: age, city (2 words), height)"


def test_the_words_of_another_table_keep_their_codes(read):
    table = read("city\nZürich\n", categories=read(TEXT).categories)
    assert table["city"].tolist() == [1]


def test_a_word_that_the_other_table_had_not_is_refused(read):
    with pytest.raises(RangeError, match="line 3, column 'city': 'Rom' is not one of"):
        read("city\nZürich\nRom\n", categories=read(TEXT).categories)


@pytest.mark.parametrize(("kind", "dtype"), [("integer", "i"), ("number", "f"), ("text", "i")])
def test_a_type_can_be_said(kind, dtype, read):
    table = read("a\n1\n2\n", types={"a": kind})
    assert table["a"].dtype.kind == dtype
    assert ("a" in table.categories) == (kind == "text")


@pytest.mark.parametrize("field", ["1_000", "inf", "0x1f", "٣", "1e999"])
def test_what_only_python_takes_for_a_number_is_text(field, read):
    assert read(f"a\n1\n{field}\n").categories == {"a": sorted(["1", field])}


def test_integers_that_are_too_long_are_numbers(read):
    assert read("a\n1\n99999999999999999999\n")["a"].dtype == np.float32


def test_another_delimiter_a_mark_and_empty_lines(read):
    assert read("\ufeffa;b\r\n1;2\r\n\r\n3;4\r\n", delimiter=";")["b"].tolist() == [2, 4]


# -- missing values ------------------------------------------------------------------------------


@pytest.mark.parametrize("missing", ["", "NA", "n/a", "NaN", "null", "None", "?"])
def test_a_missing_value_is_refused_with_its_place(missing, read):
    with pytest.raises(
        RangeError, match=r"line 3, column 'b': the value is missing .*fill=\{'b': "
    ):
        read(f"a,b\n1,2\n3,{missing}\n")


@pytest.mark.parametrize(
    ("fill", "values"), [(7, [1, 7, 3, 8]), (0.5, [1, 0.5, 3, 8]), ("mean", [1, 4, 3, 8])]
)
def test_missing_numbers_become_what_is_said(fill, values, read):
    assert read("a,b\n1,0\n,0\n3,0\n8,0\n", fill={"a": fill})["a"].tolist() == values


def test_missing_numbers_become_the_median(read):
    assert read("a,b\n1,0\n,0\n3,0\n9,0\n", fill={"a": "median"})["a"].tolist() == [1, 3, 3, 9]


def test_missing_words_become_a_word(read):
    table = read("a,b\nx,0\n,0\n", fill={"a": "unknown"})
    assert [table.categories["a"][code] for code in table["a"]] == ["x", "unknown"]


# -- what is refused -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty: its first line should hold the names"),
        ("a,a\n1,2\n", "more than one column 'a'"),
        ("a,\n1,2\n", "more than one column '', or no name"),
        ("a,b\n1,2\n3\n", "line 3: 1 fields, and there are 2 columns"),
        ("a,b\n1,2,3\n", "line 2: 3 fields, and there are 2 columns"),
        ('a\n"open\n', "after line 2: unexpected end of data"),
        ('a\n"x"y\n', "after line 2"),
    ],
)
def test_a_file_that_is_no_table_is_refused(text, message, read):
    with pytest.raises(CorruptFileError, match=message):
        read(text)


def test_bytes_of_another_encoding_are_refused(read):
    with pytest.raises(CorruptFileError, match="can't decode byte"):
        read(TEXT.encode("latin-1"))
    assert read(TEXT.encode("latin-1"), encoding="latin-1").categories == read(TEXT).categories


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"types": {"b": "number"}}, RangeError, "line 2, column 'b': 'x' is not a number"),
        ({"types": {"b": "integer"}}, RangeError, "line 2, column 'b': 'x' is not an integer"),
        ({"types": {"a": "float"}}, DTypeError, '"integer", "number" or "text", got \'float\''),
        ({"types": {"c": "text"}}, RangeError, "no column 'c'"),
        ({"fill": {"c": 1}}, RangeError, "no column 'c'"),
        ({"categories": {"c": []}}, RangeError, "no column 'c'"),
        ({"fill": {"a": "word"}}, DTypeError, "fill of column 'a' should be a number"),
    ],
    ids=str,
)
def test_settings_that_do_not_fit_are_refused(settings, error, message, read):
    with pytest.raises(error, match=message):
        read("a,b\n1,x\n,y\n", **({"fill": {"a": 0}} | settings))


def test_a_column_of_nothing_cannot_be_filled_with_its_mean(read):
    with pytest.raises(RangeError, match="column 'a' has no value to fill it"):
        read("a,b\n,1\n", types={"a": "number"}, fill={"a": "mean"})


def test_a_column_that_is_not_there_is_refused(read):
    with pytest.raises(RangeError, match="no column 'c', but"):
        read(TEXT)["c"]
    with pytest.raises(RangeError, match="no column 'c', but"):
        read(TEXT).matrix("age", "c")


@pytest.mark.parametrize("columns", [{}, {"a": [1], "b": [1, 2]}, {"a": [[1]]}, {"a": 1}])
def test_columns_that_make_no_table_are_refused(columns):
    with pytest.raises(RangeError, match="of one length and one axis"):
        Table(columns)
