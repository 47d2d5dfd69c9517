from shop.site import Block, Page


def test_a_page_shows_the_products_that_were_found(catalog):
    page = Page("Toys & more", [Block("Welcome", "Here they are.")])
    page.add_products(catalog, "boat")
    assert str(page).splitlines() == [
        "<h1>Toys &amp; more</h1>",
        "<h2>Welcome</h2>",
        "<p>Here they are.</p>",
        "<h2>Tin Boat</h2>",
        "<p>12.50 each</p>",
    ]
