"""People (人口与家庭): who lives here and in which household, as offices hold it; for a place without records, made up."""
