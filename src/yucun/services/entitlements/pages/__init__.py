"""What tiles cannot express of entitlements: the desk's words, a notice to hand over, why an item is owed, the catalogue."""
