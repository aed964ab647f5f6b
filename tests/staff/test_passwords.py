"""How passwords are kept: expensive to guess even for whoever has the database."""

from argon2.low_level import Type

from tests.conftest import THE_PRODUCTS_OWN


def test_a_password_costs_what_owasp_asks_for_at_least():
    assert THE_PRODUCTS_OWN.type is Type.ID
    assert THE_PRODUCTS_OWN.memory_cost * THE_PRODUCTS_OWN.time_cost >= 46 * 1024
