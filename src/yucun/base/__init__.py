"""Ground floor: errors, findings, quantities, identities, periods and clocks; knows nothing of cities."""
