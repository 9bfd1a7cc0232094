//! Prices, costs and budgets.
