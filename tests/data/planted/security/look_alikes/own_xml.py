import xml.etree.ElementTree as ET


def render(rows):
    root = ET.Element("rows")
    for each in rows:
        ET.SubElement(root, "row").text = each
    return ET.tostring(root)
